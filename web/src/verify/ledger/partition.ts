// The public partition of a purchase log into cells. protocol.md 4, *Rings*.

import { sha256 } from "@noble/hashes/sha2.js";
import { VerificationError } from "../errors.ts";
import { type Close, seedOf } from "./closes.ts";

/** The lanes of a span: the least power of two of at most 3N/4 members each. */
export function lanesOf(first: number, size: number, capacity: number): number {
  let lanes = 1;
  while (4 * (size - first) > 3 * capacity * lanes) {
    lanes *= 2;
  }
  return lanes;
}

/** The 64-bit key of an entry, under the seed of its first close. */
export function shuffleKey(seed: Uint8Array, entry: number): bigint {
  const data = new Uint8Array(40);
  data.set(seed);
  new DataView(data.buffer).setBigUint64(32, BigInt(entry), true);
  const digest = sha256(data);
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true);
}

/** The partition of one log, with the key of each closed entry computed once. */
export class Partition {
  readonly capacity: number;
  readonly voidWindow: number;
  readonly closes: Close[] = [];
  // Their low halves: no log has 2^32 lanes.
  readonly #keys: number[] = [];

  constructor(capacity: number, voidWindow: number) {
    this.capacity = capacity;
    this.voidWindow = voidWindow;
  }

  /** Take in the next accepted close. */
  extend(close: Close): void {
    const seed = seedOf(close);
    for (let entry = this.#keys.length; entry < close.size; entry++) {
      this.#keys.push(Number(BigInt.asUintN(32, shuffleKey(seed, entry))));
    }
    this.closes.push(close);
  }

  /** The first close at `size`. */
  closeAt(size: number): Close {
    const found = this.closes.find((close) => close.size === size);
    if (found === undefined) {
      throw new VerificationError("a horizon is not a close of the log");
    }
    return found;
  }

  lanes(first: number, size: number): number {
    return lanesOf(first, size, this.capacity);
  }

  /** The indices of the closed span `[first, size)` that fall into `lane`, ascending. */
  cell(first: number, size: number, lane: number): number[] {
    const lanes = this.lanes(first, size);
    const found: number[] = [];
    for (let entry = first; entry < size; entry++) {
      if ((this.#keys[entry] ?? 0) % lanes === lane) {
        found.push(entry);
      }
    }
    return found;
  }

  /** Whether the void at index `by` comes after the purchase `entry` and in time for it. */
  voidCounts(by: number, entry: number): boolean {
    const last = this.#voidDeadline(entry);
    return entry < by && (last === undefined || by < last.size);
  }

  /** The close below which a void of `entry` is in time, if there is one yet. */
  #voidDeadline(entry: number): Close | undefined {
    const later = this.closes.filter((close) => close.size > entry);
    const deadline = (later[0]?.period ?? 0) + this.voidWindow;
    return later.find(({ period }) => period >= deadline);
  }
}
