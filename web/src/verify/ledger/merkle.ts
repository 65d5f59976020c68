// Merkle trees as in RFC 6962, section 2. Sizes are numbers below 2^53: no bit operations.

import { sha256 } from "@noble/hashes/sha2.js";
import { VerificationError } from "../errors.ts";
import { equalBytes } from "../wire.ts";

export const HASH_BYTES = 32;
export const EMPTY_ROOT = sha256(new Uint8Array());

/** The complete subtree over the `2**level` leaves from `index * 2**level`. */
export interface Node {
  level: number;
  index: number;
}

export type Range = readonly [number, number];

export function leafHash(entry: Uint8Array): Uint8Array {
  const data = new Uint8Array(1 + entry.length);
  data.set(entry, 1);
  return sha256(data);
}

const PAIR = new Uint8Array(1 + 2 * HASH_BYTES);
PAIR[0] = 1;

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  PAIR.set(left, 1);
  PAIR.set(right, 1 + HASH_BYTES);
  return sha256(PAIR);
}

/** The root over leaf hashes; of none, the hash of the empty string. */
export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      if (left !== undefined) {
        above.push(right === undefined ? left : nodeHash(left, right));
      }
    }
    level = above;
  }
  return level[0] ?? EMPTY_ROOT;
}

/** The complete subtrees, left to right, that the subtree over `[start, stop)` consists of. */
export function completeNodes(start: number, stop: number): Node[] {
  const nodes: Node[] = [];
  for (let at = start; at < stop; ) {
    let level = 0;
    while (2 ** (level + 1) <= stop - at) {
      level++;
    }
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** The root over complete subtrees of falling size, left to right. */
export function foldPeaks(peaks: readonly Uint8Array[]): Uint8Array {
  if (peaks.length === 0) {
    return EMPTY_ROOT;
  }
  return peaks.reduceRight((root, peak) => nodeHash(peak, root));
}

function middle(start: number, stop: number): number {
  let width = 1;
  while (2 * width < stop - start) {
    width *= 2;
  }
  return start + width;
}

/** RFC 6962, 2.1.1: the sibling subtrees on the way from the leaf up to the root. */
export function inclusionRanges(index: number, size: number): Range[] {
  const siblings: Range[] = [];
  let [start, stop] = [0, size];
  while (stop - start > 1) {
    const cut = middle(start, stop);
    if (index < cut) {
      siblings.push([cut, stop]);
      stop = cut;
    } else {
      siblings.push([start, cut]);
      start = cut;
    }
  }
  return siblings.reverse();
}

/**
 * RFC 6962, 2.1.2: the last complete subtree of the old tree (unless it is that whole tree), then
 * its sibling subtrees on the way up.
 */
export function consistencyRanges(oldSize: number, size: number): Range[] {
  if (oldSize === 0) {
    return [];
  }
  const path: Range[] = [];
  let [start, stop] = [0, size];
  while (stop !== oldSize) {
    const cut = middle(start, stop);
    if (oldSize <= cut) {
      path.push([cut, stop]);
      stop = cut;
    } else {
      path.push([start, cut]);
      start = cut;
    }
  }
  if (start > 0) {
    path.push([start, stop]); // otherwise it is the old tree itself
  }
  return path.reverse();
}

/** Check that the tree `(size, root)` extends the tree `(oldSize, oldRoot)`. */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  if (oldSize > size) {
    throw new VerificationError("consistency proof: the tree has shrunk");
  }
  const ranges = consistencyRanges(oldSize, size);
  if (proof.length !== ranges.length || proof.some((hash) => hash.length !== HASH_BYTES)) {
    throw new VerificationError("consistency proof: not the hashes it needs");
  }
  let [before, after] = oldSize === 0 ? [EMPTY_ROOT, size ? root : EMPTY_ROOT] : [oldRoot, oldRoot];
  for (const [i, hash] of proof.entries()) {
    const [start = 0, stop = 0] = ranges[i] ?? [];
    if (i === 0 && stop === oldSize) {
      before = hash;
      after = hash;
    } else if (start < oldSize) {
      before = nodeHash(hash, before);
      after = nodeHash(hash, after);
    } else {
      after = nodeHash(after, hash);
    }
  }
  if (!equalBytes(before, oldRoot) || !equalBytes(after, root)) {
    throw new VerificationError("consistency proof: it leads to another root");
  }
}

/** Hashes side by side, as a tile has them. */
export function splitHashes(data: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += HASH_BYTES) {
    hashes.push(data.subarray(at, at + HASH_BYTES));
  }
  return hashes;
}
