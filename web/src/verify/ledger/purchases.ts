// A copy of a purchase log: which of its entries are members of rings. protocol.md 4.

import type { Partition } from "./partition.ts";

const COMMITMENT_BYTES = 33;
const PURCHASE = 1;
const VOID = 2;
const TRANSFERRED = 3;
const SALE = 4;

/** An entry that is one: a commitment with its kind, or the index of what is void. */
type Entry =
  | { kind: typeof PURCHASE | typeof TRANSFERRED | typeof SALE; commitment: Uint8Array }
  | { kind: typeof VOID; voided: number };

/** Read an entry; `null` for bytes that are none: no member, and no effect. */
function readEntry(data: Uint8Array): Entry | null {
  const kind = data[0];
  if (kind === VOID && data.length === 9) {
    const voided = new DataView(data.buffer, data.byteOffset).getBigUint64(1);
    return { kind, voided: Number(voided) };
  }
  const carries = kind === PURCHASE || kind === TRANSFERRED || kind === SALE;
  if (carries && data.length === 1 + COMMITMENT_BYTES) {
    return { kind, commitment: data.subarray(1) };
  }
  return null;
}

export class Purchases {
  readonly #entries: Uint8Array[] = [];
  readonly #voids = new Map<number, number[]>();
  readonly #first = new Map<string, number>();

  get size(): number {
    return this.#entries.length;
  }

  /** Take in the next entry of the log, whatever it is. */
  append(data: Uint8Array): void {
    const index = this.#entries.length;
    const entry = readEntry(data);
    this.#entries.push(data);
    if (entry === null) {
      return;
    }
    if (entry.kind === VOID) {
      const others = this.#voids.get(entry.voided);
      others?.push(index) ?? this.#voids.set(entry.voided, [index]);
      return;
    }
    const name = nameOf(entry.commitment);
    if (!this.#first.has(name)) {
      this.#first.set(name, index);
    }
  }

  /** The entries of a cell that are members, with their commitments, in the order of the log. */
  members(
    cell: readonly number[],
    partition: Partition,
    voidedAt: number,
  ): { index: number; commitment: Uint8Array }[] {
    const found: { index: number; commitment: Uint8Array }[] = [];
    for (const index of cell) {
      const entry = readEntry(this.#entries[index] ?? new Uint8Array());
      const member = entry?.kind === PURCHASE || entry?.kind === TRANSFERRED;
      if (!member || this.#first.get(nameOf(entry.commitment)) !== index) {
        continue;
      }
      const voids = entry.kind === PURCHASE ? (this.#voids.get(index) ?? []) : [];
      if (!voids.some((by) => by < voidedAt && partition.voidCounts(by, index))) {
        found.push({ index, commitment: entry.commitment });
      }
    }
    return found;
  }
}

/** The bytes as text, one character each: there are as many of these as purchases. */
function nameOf(commitment: Uint8Array): string {
  return String.fromCharCode(...commitment);
}
