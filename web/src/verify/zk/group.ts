// P-256 by @noble/curves: points, scalars and hashing to both. protocol.md 2.

import { pippenger } from "@noble/curves/abstract/curve.js";
import { expand_message_xmd } from "@noble/curves/abstract/hash-to-curve.js";
import { p256, p256_hasher } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError } from "../errors.ts";
import { big, toNumber, utf8 } from "../wire.ts";

export type Point = InstanceType<typeof p256.Point>;

export const SUITE = "KVITTO-V01-Shake128_P256";
export const ORDER: bigint = p256.Point.Fn.ORDER;
export const G: Point = p256.Point.BASE;
export const POINT_BYTES = 33;
export const SCALAR_BYTES = 32;
const HASH_TO_SCALAR_BYTES = 48;
const GENERATOR_DST = utf8("KVITTO-V01-GENERATOR-with-P256_XMD:SHA-256_SSWU_RO_");
const TAG_DST = utf8("KVITTO-V01-TAG-with-P256_XMD:SHA-256_SSWU_RO_");
const ATTRIBUTE_DST = "KVITTO-V01-ATTRIBUTE-";

/** `n` in `[0, ORDER)`. */
export function mod(n: bigint): bigint {
  const rest = n % ORDER;
  return rest < 0n ? rest + ORDER : rest;
}

export function power(base: bigint, exponent: number): bigint {
  let result = 1n;
  for (let i = 0; i < exponent; i++) {
    result = (result * base) % ORDER;
  }
  return result;
}

export function inverse(n: bigint): bigint {
  return p256.Point.Fn.inv(n);
}

/** SEC 1 compressed, and nothing else. */
export function decodePoint(data: Uint8Array): Point {
  if (data.length !== POINT_BYTES || (data[0] !== 2 && data[0] !== 3)) {
    throw new FormatError("not a compressed point");
  }
  try {
    return p256.Point.fromBytes(data);
  } catch {
    throw new FormatError("not a point of the curve");
  }
}

export function decodeScalar(data: Uint8Array): bigint {
  const scalar = toNumber(data);
  if (data.length !== SCALAR_BYTES || scalar >= ORDER) {
    throw new FormatError("not a canonical scalar");
  }
  return scalar;
}

export function encodeScalar(scalar: bigint): Uint8Array {
  return big(scalar, SCALAR_BYTES);
}

/** `sum(scalar * point)`; scalars need not be reduced. */
export function sumOfProducts(scalars: readonly bigint[], points: readonly Point[]): Point {
  return pippenger(p256.Point, [...points], scalars.map(mod));
}

const generators = new Map<string, Point>();

/** `gen(label)`: a hash of its own name, so that nobody knows a relation to another. */
export function generator(label: string): Point {
  const known = generators.get(label) ?? hashToCurve(utf8(label), GENERATOR_DST);
  generators.set(label, known);
  return known;
}

/** The generator that carries blinding factors. */
export function H(): Point {
  return generator("blinding");
}

const families = new Map<string, readonly Point[]>();

/** The first `count` of `range/g`, `range/h` or `one-out-of-many`. */
export function numberedGenerators(family: string, count: number): readonly Point[] {
  const name = `${family}/${count}`;
  const known =
    families.get(name) ?? Array.from({ length: count }, (_, i) => generator(`${family}/${i}`));
  families.set(name, known);
  return known;
}

/** `U_k`, the point that a scope hashes to: `kind/text`. protocol.md 6, part 0. */
export function tagBase(kind: string, text: string): Point {
  return hashToCurve(utf8(`${kind}/${text}`), TAG_DST);
}

/** What the text of an attribute is as a scalar. protocol.md 3. */
export function attributeScalar(name: "product" | "batch", text: string): bigint {
  const dst = utf8(ATTRIBUTE_DST + name);
  const message = utf8(text.normalize("NFC"));
  return mod(toNumber(expand_message_xmd(message, dst, HASH_TO_SCALAR_BYTES, sha256)));
}

function hashToCurve(message: Uint8Array, DST: Uint8Array): Point {
  return p256.Point.fromAffine(p256_hasher.hashToCurve(message, { DST }).toAffine());
}
