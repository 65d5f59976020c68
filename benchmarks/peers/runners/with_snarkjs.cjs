// Groth16 by snarkjs: the whole statement in a circuit, in a tree of depth 20.
"use strict";

const { execFileSync } = require("node:child_process");
const { createHash, randomBytes } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { poseidon2, poseidon6 } = require("poseidon-lite");
const snarkjs = require("snarkjs");
const { serve } = require("./protocol.cjs");

const DEPTH = 20;
const POWER = 13; // 2^13 is more than the constraints of the circuit
const NAME = `claim_${DEPTH}`;
const CIRCUITS = path.join(__dirname, "..", "circuits");
const MADE = `made-${fingerprint()}`;
const KEY = path.join(MADE, "claim.zkey");
const VERIFICATION_KEY = path.join(MADE, "verification_key.json");
const TOOK = path.join(MADE, "milliseconds");
const WITNESS = path.join(MADE, `${NAME}_js`, `${NAME}.wasm`);
const POSITION_OF_DEAREST = 6; // among the public inputs, in the order of the circuit

let inputs, publicInputs, verificationKey;

// Of the circuit: another one needs other keys.
function fingerprint() {
  const hash = createHash("sha256");
  for (const file of fs.readdirSync(CIRCUITS).sort()) {
    hash.update(fs.readFileSync(path.join(CIRCUITS, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

// A ceremony of one, which is good for measuring and for nothing else. It takes minutes, so its
// results are kept; the last file says that it was finished.
async function makeKeys() {
  const begun = Date.now();
  fs.rmSync(MADE, { recursive: true, force: true });
  fs.cpSync(CIRCUITS, MADE, { recursive: true });
  const compiler = path.join("node_modules", "circom2", "cli.js");
  const library = path.join("node_modules", "circomlib", "circuits");
  const circuit = path.join(MADE, `${NAME}.circom`);
  const options = [circuit, "--r1cs", "--wasm", "--O2", "-o", MADE, "-l", library];
  execFileSync(process.execPath, [compiler, ...options], { stdio: ["ignore", 2, 2] });

  const curve = await snarkjs.curves.getCurveFromName("bn128");
  const [first, second, ready, start] = ["a.ptau", "b.ptau", "c.ptau", "a.zkey"].map((name) =>
    path.join(MADE, name),
  );
  await snarkjs.powersOfTau.newAccumulator(curve, POWER, first);
  await snarkjs.powersOfTau.contribute(first, second, "one", randomBytes(32).toString("hex"));
  await snarkjs.powersOfTau.preparePhase2(second, ready);
  await snarkjs.zKey.newZKey(path.join(MADE, `${NAME}.r1cs`), ready, start);
  await snarkjs.zKey.contribute(start, KEY, "one", randomBytes(32).toString("hex"));
  const key = await snarkjs.zKey.exportVerificationKey(KEY);
  fs.writeFileSync(VERIFICATION_KEY, JSON.stringify(key));
  fs.writeFileSync(TOOK, String(Date.now() - begun));
}

function random() {
  return BigInt(`0x${randomBytes(31).toString("hex")}`);
}

function claim() {
  const [serial, secret, scope, context] = [random(), random(), random(), random()];
  const [product, date, price, currency] = [0x1234567890abcdefn, 20_400n, 123_456n, 978n];
  // The purchase is the first. What the others are costs a proof nothing.
  const siblings = Array.from({ length: DEPTH }, random);
  const leaf = poseidon6([product, date, price, currency, serial, secret]);
  return {
    root: siblings.reduce((node, sibling) => poseidon2([node, sibling]), leaf),
    product,
    currency,
    oldest: 20_135n,
    newest: 20_500n,
    cheapest: 10_000n,
    dearest: 500_000n,
    scope,
    context,
    tags: [poseidon2([serial, scope]), poseidon2([secret, scope])],
    date,
    price,
    serial,
    secret,
    siblings,
    right: Array(DEPTH).fill(0n),
  };
}

serve({
  packages: ["snarkjs", "circom2", "circomlib"],

  async setup() {
    let earlier;
    if (fs.existsSync(TOOK)) earlier = Number(fs.readFileSync(TOOK, "utf8"));
    else await makeKeys();
    verificationKey = JSON.parse(fs.readFileSync(VERIFICATION_KEY, "utf8"));
    inputs = claim();
    const { root, product, currency, oldest, newest, cheapest, dearest, ...rest } = inputs;
    const { scope, context, tags } = rest;
    publicInputs = [root, product, currency, oldest, newest, cheapest, dearest, scope, context]
      .concat(tags)
      .map(String);
    return { bytes: fs.statSync(KEY).size, earlier };
  },

  async prove() {
    return (await snarkjs.groth16.fullProve(inputs, WITNESS, KEY)).proof;
  },

  size: () => 128, // two points of 32 bytes and one of 64, compressed; as JSON it is 800

  verify: (proof) => snarkjs.groth16.verify(verificationKey, publicInputs, proof),

  verifyFalse(proof) {
    const others = publicInputs.with(POSITION_OF_DEAREST, "499999");
    return snarkjs.groth16.verify(verificationKey, others, proof);
  },
});
