// Proof that a log has forked: it has signed two checkpoints, and neither is the other's past.
// The text is what `kvitto log verify-fork` reads.

import { concat, toBase64, utf8 } from "../wire.ts";

/**
 * `small` and `large` are the notes of the smaller and the larger checkpoint, `root` the root under
 * the larger one at the size of the smaller, `proof` what leads from there to the larger one.
 */
export function forkProof(
  small: Uint8Array,
  large: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array {
  const lines = ["kvitto-fork/v1", `root ${toBase64(root)}`, ...proof.map(toBase64), "", ""];
  return concat(utf8(lines.join("\n")), small, utf8("\n"), large);
}
