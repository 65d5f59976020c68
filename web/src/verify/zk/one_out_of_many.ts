// One out of many, base 4. protocol.md 6, parts 1 and 2.
//
// Shows `target - member_l = rho * H` for one member l of a list. Groth and Kohlweiss 2014/764,
// Bootle et al. 2015/643, Lelantus Spark 2021/1173. Symbols are the papers'.

import { type Accumulator, randomWeight } from "./accumulator.ts";
import { G, H, mod, numberedGenerators, ORDER, type Point } from "./group.ts";
import type { ProofReader } from "./reader.ts";

const BASE = 4;

/** A list of group elements: the commitments of a ring, or `v * G` for public scalars v. */
export type Members = { points: readonly Point[] } | { values: readonly bigint[] };

/** m, the least with `4^m >= members` and at least 1. */
export function digitCount(members: number): number {
  let digits = 1;
  while (BASE ** digits < members) {
    digits++;
  }
  return digits;
}

/** Read the argument and add its two equations. */
export function verifyOneOutOfMany(
  reader: ProofReader,
  accumulator: Accumulator,
  members: Members,
  target: Point,
): void {
  const size = "points" in members ? members.points.length : members.values.length;
  const m = digitCount(size);
  const [A, B] = [reader.point(), reader.point()];
  const Q = reader.points(m);
  const x = reader.challenge();
  const f = Array.from({ length: m }, () => completeDigit(x, reader.scalars(BASE - 1)));
  const [z_A, z] = [reader.scalar(), reader.scalar()];

  // A + x B = sum f_t E_t + sum f_t (x - f_t) E_{M+t} + z_A H
  let w = randomWeight();
  const flat = f.flat();
  const E = numberedGenerators("one-out-of-many", 2 * flat.length);
  accumulator.extend([w, w * x, -w * z_A], [A, B, H()]);
  const scaled = flat.map((v) => mod(-w * v));
  const squares = scaled.map((s, t) => s * (x - (flat[t] ?? 0n)));
  accumulator.extend([...scaled, ...squares], E);

  // sum_i F_i member_{i mod R} - x^m target - sum_k x^k Q_k = z H
  w = randomWeight();
  const coefficients = fold(products(w, f), size);
  if ("points" in members) {
    accumulator.extend(coefficients, members.points);
  } else {
    const sum = members.values.reduce((total, v, i) => total + v * (coefficients[i] ?? 0n), 0n);
    accumulator.add(sum, G);
  }
  let power = w;
  for (const point of [...Q, target]) {
    accumulator.add(-power, point);
    power = (power * x) % ORDER;
  }
  accumulator.add(-w * z, H());
}

function completeDigit(x: bigint, rest: readonly bigint[]): bigint[] {
  return [mod(rest.reduce((left, v) => left - v, x)), ...rest];
}

/** `scale * prod_j f[j][i_j]` for all i, whose base-4 digits i_j begin with the lowest. */
function products(scale: bigint, f: readonly (readonly bigint[])[]): bigint[] {
  let entries = [scale];
  for (const row of f) {
    entries = row.flatMap((v) => entries.map((entry) => (v * entry) % ORDER));
  }
  return entries;
}

/** The sums of the entries whose indices are equal mod `size`. */
function fold(entries: readonly bigint[], size: number): bigint[] {
  const folded = new Array<bigint>(size).fill(0n);
  for (const [i, entry] of entries.entries()) {
    folded[i % size] = (folded[i % size] ?? 0n) + entry;
  }
  return folded;
}
