// What a runner says to the driver, as in protocol.py: for each word that comes in, one line of JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const LONG_ENOUGH = 50; // milliseconds; what is quicker is repeated, so that caches are warm for all

async function measured(run) {
  const times = [];
  let total = 0;
  while (total < LONG_ENOUGH) {
    const start = process.hrtime.bigint();
    await run();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
    total += times.at(-1);
  }
  times.sort((a, b) => a - b);
  const middle = times.length >> 1;
  return times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
}

async function passes(verify) {
  try {
    return Boolean(await verify());
  } catch {
    return false; // how a peer refuses is its own affair
  }
}

function versionOf(name) {
  const file = path.join("node_modules", name, "package.json");
  return JSON.parse(fs.readFileSync(file, "utf8")).version;
}

// A peer has packages, setup(), prove(), size(proof), verify(proof), verifyFalse(proof): protocol.py
// says what they mean. Setting up also tells what it took earlier to make keys that were kept.
async function serve(peer) {
  console.log = console.error; // libraries that print to stdout do not speak for the runner
  let proof = null;
  const check = async () => {
    if (!(await peer.verify(proof))) throw new Error("a true claim was refused");
  };
  const words = {
    async setup() {
      const start = process.hrtime.bigint();
      const { bytes, earlier = 0 } = await peer.setup();
      const ms = earlier + Number(process.hrtime.bigint() - start) / 1e6;
      proof = await peer.prove();
      await check();
      if (await passes(() => peer.verifyFalse(proof))) {
        throw new Error("a false claim was accepted");
      }
      const versions = Object.fromEntries(peer.packages.map((name) => [name, versionOf(name)]));
      return { ms, bytes, versions };
    },
    async prove() {
      const ms = await measured(async () => {
        proof = await peer.prove();
      });
      return { ms, bytes: peer.size(proof) };
    },
    async verify() {
      return { ms: await measured(check) };
    },
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await words[line.trim()]();
    } catch (error) {
      answer = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0); // the curve libraries keep their threads
}

module.exports = { serve };
