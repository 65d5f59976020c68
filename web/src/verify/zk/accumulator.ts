// The one place where "it verified" is decided. protocol.md 7.
//
// Every equation of a proof is a sum of coefficient times point that must be the identity. Each is
// multiplied by a fresh random weight and added to one sum, which is computed once.

import { VerificationError } from "../errors.ts";
import { toNumber } from "../wire.ts";
import { G, type Point, sumOfProducts } from "./group.ts";

const WEIGHT_BYTES = 16; // a false equation survives with chance 2^-128

/** A nonzero 128-bit weight. */
export function randomWeight(): bigint {
  const weight = toNumber(crypto.getRandomValues(new Uint8Array(WEIGHT_BYTES)));
  return weight === 0n ? randomWeight() : weight;
}

/** A sum of coefficient times point, by point object. Coefficients need not be reduced. */
export class Accumulator {
  readonly #terms = new Map<Point, bigint>();

  add(coefficient: bigint, point: Point): void {
    this.#terms.set(point, (this.#terms.get(point) ?? 0n) + coefficient);
  }

  /** A term for each pair; an error of the caller if there are not as many of both. */
  extend(coefficients: readonly bigint[], points: readonly Point[]): void {
    if (coefficients.length !== points.length) {
      throw new Error("a coefficient for each point is needed");
    }
    for (const [i, point] of points.entries()) {
      this.add(coefficients[i] ?? 0n, point);
    }
  }

  /**
   * `VerificationError` unless the sum is the identity. The base point is added and must come out:
   * a library that fails silently must not look like success.
   */
  verify(): void {
    this.add(1n, G);
    const total = sumOfProducts([...this.#terms.values()], [...this.#terms.keys()]);
    if (!total.equals(G)) {
      throw new VerificationError("the proof does not verify");
    }
  }
}
