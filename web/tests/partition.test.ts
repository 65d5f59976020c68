import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Close, seedOf } from "../src/verify/ledger/closes.ts";
import { lanesOf, Partition, shuffleKey } from "../src/verify/ledger/partition.ts";
import { Purchases } from "../src/verify/ledger/purchases.ts";
import { buildRing } from "../src/verify/ledger/rings.ts";
import { big, concat, fromHex, toHex, utf8 } from "../src/verify/wire.ts";
import { FILES } from "./vectors.ts";

const POINTS = FILES[0]?.[1].purchases.map(({ commitment }) => fromHex(commitment)) ?? [];

function closed(...sizes: number[]): Close[] {
  return sizes.map((size, number) => ({
    number,
    period: number,
    size,
    root: sha256(utf8(`root ${size}`)),
    signatures: [],
  }));
}

function partition(closes: readonly Close[], voidWindow = 1, capacity = 64): Partition {
  const made = new Partition(capacity, voidWindow);
  for (const close of closes) {
    made.extend(close);
  }
  return made;
}

describe.each(FILES)("%s", (_, vectors) => {
  const closes = vectors.closes.map(({ size, root, seed_signatures }, number) => ({
    number,
    period: number,
    size,
    root: fromHex(root),
    signatures: seed_signatures.map((signature) => fromHex(signature)),
  }));

  test("seeds and keys", () => {
    expect(closes.map((close) => toHex(seedOf(close)))).toEqual(
      vectors.closes.map(({ seed }) => seed),
    );
    for (const { entry, key } of vectors.shuffle_keys) {
      const close = closes.find(({ size }) => size > entry);
      expect(close && shuffleKey(seedOf(close), entry).toString()).toBe(key);
    }
  });

  test("cells", () => {
    const partitions = new Map(
      [64, 256, 1024, 4096].map((capacity) => [capacity, partition(closes, 0, capacity)]),
    );
    for (const ring of vectors.rings) {
      const { first, size, lane } = ring;
      const made = partitions.get(ring.capacity) ?? partition(closes, 0, ring.capacity);
      expect(made.lanes(first, size)).toBe(ring.lanes);
      const cell = made.cell(first, size, lane);
      expect(cell).toContain(ring.entry);
      const members = cell.filter((entry) => !ring.void.includes(entry));
      expect(members.length).toBe(ring.members);
      expect(toHex(sha256(utf8(members.join(","))))).toBe(ring.sha256_of_decimals_joined_by_commas);
    }
  });
});

describe("a partition", () => {
  test("puts every entry of a span into one cell", () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (first, more) => {
        const size = first + more + 1;
        const made = partition(closed(first, size));
        const lanes = made.lanes(first, size);
        const cells = Array.from({ length: lanes }, (_, lane) => made.cell(first, size, lane));
        const all = cells.flat().sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: size - first }, (_, i) => first + i));
        expect(4 * (size - first)).toBeLessThanOrEqual(3 * 64 * lanes);
      }),
      { numRuns: 30 },
    );
    expect(lanesOf(0, 48, 64)).toBe(1);
    expect(lanesOf(0, 49, 64)).toBe(2);
  });

  test("counts a void until the close that ends its window", () => {
    const made = partition(closed(10, 20, 30), 1);
    expect(made.voidCounts(19, 5)).toBe(true);
    expect(made.voidCounts(20, 5)).toBe(false);
    expect(made.voidCounts(5, 5)).toBe(false);
    expect(made.voidCounts(29, 15)).toBe(true);
    expect(made.voidCounts(1_000, 25)).toBe(true); // no close ends it yet
    expect(made.voidCounts(1_000, 35)).toBe(true);
  });
});

describe("a ring", () => {
  const bought = (n: number, kind = 1): Uint8Array =>
    concat(Uint8Array.of(kind), POINTS[n] ?? new Uint8Array());
  const voided = (index: number): Uint8Array => concat(Uint8Array.of(2), big(index, 8));

  function members(entries: readonly Uint8Array[], voidedAt = entries.length): number[] {
    const purchases = new Purchases();
    for (const entry of entries) {
      purchases.append(entry);
    }
    const sizes = [...new Set([entries.length, voidedAt])].sort((a, b) => a - b);
    const name = { first: 0, size: entries.length, voidedAt, lane: 0 };
    return buildRing(purchases, partition(closed(...sizes), 9), name).indices;
  }

  test("has purchases and transferred ones, and nothing else", () => {
    const junk = [Uint8Array.of(9), new Uint8Array(), bought(3).slice(1), bought(4, 4)];
    expect(members([bought(0), bought(1, 3), ...junk])).toEqual([0, 1]);
    const noPoint = concat(Uint8Array.of(1), fromHex(`02${"0".repeat(63)}1`)); // x = 1
    expect(members([noPoint, bought(0)])).toEqual([1]);
  });

  test("has each commitment once, where it stands first", () => {
    expect(members([bought(0), bought(1), bought(0, 3), bought(1, 1)])).toEqual([0, 1]);
    expect(members([bought(0, 4), bought(0), bought(1)])).toEqual([2]); // first as a sale
  });

  test("has no void purchase, and keeps what cannot be voided", () => {
    expect(members([bought(0), bought(1), voided(0)])).toEqual([1]);
    expect(members([bought(0), bought(1, 3), voided(1)])).toEqual([0, 1]);
    expect(members([voided(1), bought(0), bought(1)])).toEqual([1, 2]); // came too early
  });

  test("is one that its horizons name", () => {
    const purchases = new Purchases();
    purchases.append(bought(0));
    const made = partition(closed(1));
    const name = { first: 0, size: 1, voidedAt: 1, lane: 0 };
    expect(buildRing(purchases, made, name).indices).toEqual([0]);
    const wrong = [{ first: 1 }, { size: 2 }, { voidedAt: 0 }, { voidedAt: 2 }, { lane: 1 }];
    for (const change of wrong) {
      expect(() => buildRing(purchases, made, { ...name, ...change })).toThrow();
    }
    expect(() => buildRing(new Purchases(), made, name)).toThrow("no member");
  });
});
