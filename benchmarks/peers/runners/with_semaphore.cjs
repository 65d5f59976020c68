// Semaphore: membership in a group of 1,024, proved in its circuit of depth 20, and one nullifier.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { Group, Identity, generateProof, verifyProof } = require("@semaphore-protocol/core");
const { serve } = require("./protocol.cjs");

const DEPTH = 20;
const MEMBERS = 1024;
const ARTIFACTS = path.join("node_modules", "@zk-kit", "semaphore-artifacts");
const SNARK = {
  wasm: path.join(ARTIFACTS, `semaphore-${DEPTH}.wasm`),
  zkey: path.join(ARTIFACTS, `semaphore-${DEPTH}.zkey`),
};

let group, identity;

serve({
  packages: ["@semaphore-protocol/core", "@zk-kit/semaphore-artifacts"],

  setup() {
    const identities = Array.from({ length: MEMBERS }, () => new Identity());
    identity = identities[0];
    group = new Group(identities.map((one) => one.commitment));
    return { bytes: fs.statSync(SNARK.zkey).size };
  },

  prove: () => generateProof(identity, group, "claim", "warranty-1y", DEPTH, SNARK),

  size: (proof) => JSON.stringify(proof).length,

  // The root and the nullifier in the proof are for the verifier to compare; only the root is here.
  verify: (proof) => proof.merkleTreeRoot === group.root.toString() && verifyProof(proof),

  verifyFalse: (proof) => verifyProof({ ...proof, nullifier: "1" }),
});
