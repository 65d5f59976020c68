// Aggregated Bulletproofs+ over weighted digits. protocol.md 6, part 3.
//
// Shows `0 <= value_j - lo_j <= hi_j - lo_j` for every range j at once. Chung, Han, Ju, Kim and Seo
// 2020/735, whose symbols these are. Indices run from 0, so the paper's y^i is y^(i+1) here.

import { type Accumulator, randomWeight } from "./accumulator.ts";
import { G, H, inverse, mod, numberedGenerators, ORDER, type Point, power } from "./group.ts";
import type { ProofReader } from "./reader.ts";
import { digitsOf, digitWeights, type Range } from "./statement.ts";

/** How often the vectors are halved: n = 2^rounds digits, padded. */
export function rounds(ranges: readonly Range[]): number {
  const digits = ranges.reduce((sum, range) => sum + digitsOf(range), 0);
  let halvings = 0;
  while (2 ** halvings < digits) {
    halvings++;
  }
  return halvings;
}

/** Read the argument for `targets` (the V_j) and add its equation. */
export function verifyRanges(
  reader: ProofReader,
  accumulator: Accumulator,
  ranges: readonly Range[],
  targets: readonly Point[],
): void {
  const A = reader.point();
  const [y, z] = [reader.challenge(), reader.challenge()];
  const cross: [Point, Point, bigint][] = [];
  for (let round = rounds(ranges); round > 0; round--) {
    cross.push([reader.point(), reader.point(), reader.challenge()]);
  }
  const [A_end, B_end] = [reader.point(), reader.point()];
  const e_f = reader.challenge();
  const [r, s, delta] = [reader.scalar(), reader.scalar(), reader.scalar()];

  // e_f^2 P + e_f A' + B' = r e_f g + s e_f h + r y s G + delta H
  const w = randomWeight();
  const n = 2 ** cross.length;
  const scale = mod(w * e_f * e_f);
  const yPowers = powers(y, n + 1);
  const yEnd = yPowers[n + 1] ?? 0n;
  const zSquares = powers((z * z) % ORDER, ranges.length).slice(1);
  const d = weights(ranges, zSquares, n);
  const folded = challengeProducts(cross.map(([, , e]) => e));
  const onGScale = mod(w * r * e_f * power(inverse(y), n));
  const onHScale = mod(w * s * e_f);
  // y^-i = y^(n-i) y^-n
  const onG = folded.map((v, i) => -scale * z - onGScale * ((yPowers[n - i] ?? 0n) * v));
  const onH = d.map((v, i) => {
    const shifted = z + v * (yPowers[n - i] ?? 0n);
    return scale * shifted - onHScale * (folded[n - 1 - i] ?? 0n);
  });
  accumulator.extend(onG, numberedGenerators("range/g", n));
  accumulator.extend(onH, numberedGenerators("range/h", n));

  const onTargets = zSquares.map((square) => (yEnd * square) % ORDER);
  accumulator.extend(
    onTargets.map((c) => scale * c),
    targets,
  );
  for (const [L, R, e] of cross) {
    const back = inverse(e);
    accumulator.extend([scale * mod(e * e), scale * mod(back * back)], [L, R]);
  }
  const sumOfY = yPowers.slice(1, n + 1).reduce((sum, v) => sum + v, 0n);
  const sumOfD = d.reduce((sum, v) => sum + v, 0n);
  const zeta = (z - z * z) * sumOfY - z * yEnd * sumOfD;
  const lows = onTargets.reduce((sum, c, j) => sum + c * (ranges[j]?.lo ?? 0n), 0n);
  accumulator.extend(
    [scale, w * e_f, w, scale * mod(zeta - lows) - w * r * y * s, -w * delta],
    [A, A_end, B_end, G, H()],
  );
}

/** Powers of a number, exponents 0 to `last`. */
function powers(base: bigint, last: number): bigint[] {
  const found = [1n];
  for (let i = 0; i < last; i++) {
    found.push(((found[i] ?? 0n) * base) % ORDER);
  }
  return found;
}

/** The weight of each digit times z^(2j), 0 in the padding. */
function weights(ranges: readonly Range[], zSquares: readonly bigint[], n: number): bigint[] {
  const d = ranges.flatMap((range, j) =>
    digitWeights(range).map((weight) => ((zSquares[j] ?? 0n) * weight) % ORDER),
  );
  return [...d, ...new Array<bigint>(n - d.length).fill(0n)];
}

/** For every round the challenge if i lies in the upper half, else its inverse. */
function challengeProducts(challenges: readonly bigint[]): bigint[] {
  let products = [1n];
  for (const e of challenges) {
    const back = inverse(e);
    products = products.flatMap((p) => [(p * back) % ORDER, (p * e) % ORDER]);
  }
  return products;
}
