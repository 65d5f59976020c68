// What a runner says to the driver, as in protocol.py: for each word that comes in, one line of JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const LONG_ENOUGH = 50; // milliseconds; what is quicker is repeated, so that caches are warm for all

// Milliseconds by the clock, and those that processors worked in any thread; the result.
async function timed(run) {
  const [start, before] = [process.hrtime.bigint(), process.cpuUsage()];
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return [{ ms, worked_ms: (user + system) / 1e3 }, result];
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// As timed, the median where there was time for several runs.
async function measured(run) {
  const times = [];
  let total = 0;
  while (total < LONG_ENOUGH) {
    const [spent] = await timed(run);
    times.push(spent);
    total += spent.ms;
  }
  const of = (name) => median(times.map((spent) => spent[name]));
  return { ms: of("ms"), worked_ms: of("worked_ms") };
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
      const [spent, { bytes, earlier = 0 }] = await timed(() => peer.setup());
      proof = await peer.prove();
      await check();
      if (await passes(() => peer.verifyFalse(proof))) {
        throw new Error("a false claim was accepted");
      }
      const versions = Object.fromEntries(peer.packages.map((name) => [name, versionOf(name)]));
      return { ...spent, ms: spent.ms + earlier, bytes, versions };
    },
    async prove() {
      const spent = await measured(async () => {
        proof = await peer.prove();
      });
      return { ...spent, bytes: peer.size(proof) };
    },
    verify: () => measured(check),
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
