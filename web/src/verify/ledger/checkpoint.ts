// Checkpoints (c2sp tlog-checkpoint): a log's signed word about its size and root.

import { FormatError } from "../errors.ts";
import { equalBytes, fromBase64, parseDecimal, toBase64 } from "../wire.ts";
import { EMPTY_ROOT, HASH_BYTES } from "./merkle.ts";

/** The tree head of the log `origin`: `root` over its first `size` entries. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

/** Read the three lines; these logs never write an extension line. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = ""] = text.split("\n");
  const checkpoint = { origin, size: parseDecimal(size), root: fromBase64(root, HASH_BYTES) };
  if (origin === "" || `${origin}\n${size}\n${toBase64(checkpoint.root)}\n` !== text) {
    throw new FormatError("not the three lines of a checkpoint");
  }
  if (checkpoint.size === 0 && !equalBytes(checkpoint.root, EMPTY_ROOT)) {
    throw new FormatError("no entries, and another root than none have");
  }
  return checkpoint;
}
