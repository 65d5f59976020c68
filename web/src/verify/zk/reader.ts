// Reading a proof together with its transcript. protocol.md 6, *Encoding*.
//
// A proof is a sequence of parts, each its points and then its scalars. Points are absorbed as they
// are read.

import { FormatError } from "../errors.ts";
import {
  decodePoint,
  decodeScalar,
  POINT_BYTES,
  type Point,
  SCALAR_BYTES,
  SUITE,
} from "./group.ts";
import { Transcript } from "./transcript.ts";

const VERSION = 1;

export class ProofReader {
  readonly #transcript = new Transcript(`${SUITE}-CLAIM`);
  readonly #proof: Uint8Array;
  #place = 1;

  /** A proof of exactly `length` bytes of what `statement` encodes. */
  constructor(statement: Uint8Array, proof: Uint8Array, length: number) {
    if (proof.length !== length) {
      throw new FormatError("a proof of the wrong length");
    }
    if (proof[0] !== VERSION) {
      throw new FormatError("an unknown proof version");
    }
    this.#transcript.absorb(statement);
    this.#proof = proof;
  }

  /** Read and absorb one point. */
  point(): Point {
    const data = this.#take(POINT_BYTES);
    const point = decodePoint(data);
    this.#transcript.absorb(data);
    return point;
  }

  points(count: number): Point[] {
    return Array.from({ length: count }, () => this.point());
  }

  scalar(): bigint {
    return decodeScalar(this.#take(SCALAR_BYTES));
  }

  scalars(count: number): bigint[] {
    return Array.from({ length: count }, () => this.scalar());
  }

  challenge(): bigint {
    return this.#transcript.challenge();
  }

  #take(count: number): Uint8Array {
    const data = this.#proof.subarray(this.#place, this.#place + count);
    this.#place += count;
    return data;
  }
}
