// Rings: the members of one cell of the partition. protocol.md 4.

import { FormatError, VerificationError } from "../errors.ts";
import { decodePoint, type Point } from "../zk/group.ts";
import { Ring } from "../zk/statement.ts";
import type { Partition } from "./partition.ts";
import type { Purchases } from "./purchases.ts";

/** The four numbers that name a ring of a log: all that a prover says about it. */
export interface RingName {
  first: number;
  size: number;
  voidedAt: number;
  lane: number;
}

/** A ring of a log, and the root that the log had at its size. */
export interface BuiltRing {
  ring: Ring;
  indices: number[];
  root: Uint8Array;
}

/** The ring of that name; `VerificationError` unless its horizons are closes and it has a member. */
export function buildRing(purchases: Purchases, partition: Partition, name: RingName): BuiltRing {
  const { first, size, voidedAt, lane } = name;
  if (!(first < size && size <= voidedAt)) {
    throw new VerificationError("the horizons of a ring are not in order");
  }
  for (const horizon of [first, size, voidedAt].filter((horizon) => horizon > 0)) {
    partition.closeAt(horizon);
  }
  if (lane >= partition.lanes(first, size)) {
    throw new VerificationError("there is no such lane");
  }
  const indices: number[] = [];
  const members: Uint8Array[] = [];
  const points: Point[] = [];
  const cell = partition.cell(first, size, lane);
  for (const { index, commitment } of purchases.members(cell, partition, voidedAt)) {
    const point = decoded(commitment);
    if (point !== null) {
      indices.push(index);
      members.push(commitment);
      points.push(point);
    }
  }
  if (members.length === 0) {
    throw new VerificationError("the ring has no member");
  }
  return { ring: new Ring(members, points), indices, root: partition.closeAt(size).root };
}

/** What does not decode is no member. */
function decoded(commitment: Uint8Array): Point | null {
  try {
    return decodePoint(commitment);
  } catch (error) {
    if (error instanceof FormatError) {
      return null;
    }
    throw error;
  }
}
