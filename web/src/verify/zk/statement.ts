// The statement: what a proof says about one hidden purchase. protocol.md 5.
//
// A `Statement` that exists is valid: its constructor refuses what section 5 calls invalid.

import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError } from "../errors.ts";
import { concat, le, lp, parseIdentifier, requireNfc, toHex, utf8 } from "../wire.ts";
import { decodePoint, encodeScalar, ORDER, type Point, SUITE } from "./group.ts";

/** In the order of their ids, which begin at 1. */
export const ATTRIBUTES = ["product", "date", "price", "currency", "batch", "unit"] as const;
export const KEYS = ["serial", "secret"] as const;

export type Attribute = (typeof ATTRIBUTES)[number];

export type Predicate =
  | { kind: "equals"; attribute: Attribute; value: bigint }
  | { kind: "range"; attribute: Attribute; lo: bigint; hi: bigint }
  | { kind: "one_of"; attribute: Attribute; values: readonly bigint[] };

export type Range = Extract<Predicate, { kind: "range" }>;
export type OneOf = Extract<Predicate, { kind: "one_of" }>;
export type Equals = Extract<Predicate, { kind: "equals" }>;

/** What a tag is unique for. */
export interface Scope {
  kind: (typeof KEYS)[number];
  text: string;
}

const HASH_BYTES = 32;
const MOST_DIGITS = 128;
const MOST_SCOPES = 8;
const MOST_VALUES = 256;
const LONGEST_SCOPE = 1000;
const WIDTH_LIMIT = 1n << 48n;
const U64 = 1n << 64n;

/** The commitments among which a purchase hides, in the order of the log. */
export class Ring {
  readonly members: readonly Uint8Array[];
  readonly points: readonly Point[];
  readonly digest: Uint8Array;

  /** `points` are the decoded members, where the caller has them. */
  constructor(members: readonly Uint8Array[], points?: readonly Point[]) {
    if (members.length === 0) {
      throw new FormatError("an empty ring");
    }
    if (new Set(members.map(toHex)).size !== members.length) {
      throw new FormatError("a commitment is in the ring twice");
    }
    this.members = members;
    this.points = points ?? members.map(decodePoint);
    this.digest = ringDigest(members);
  }
}

function ringDigest(members: readonly Uint8Array[]): Uint8Array {
  return sha256(concat(le(members.length, 8), ...members));
}

/** What a statement is made of; numbers of the ring are checked to be within 64 bits. */
export interface Said {
  origin: string;
  first: bigint;
  size: bigint;
  root: Uint8Array;
  voidedAt: bigint;
  lane: bigint;
  ring: Ring;
  predicates: readonly Predicate[];
  scopes: readonly Scope[];
  context: Uint8Array;
  /** E of a transfer: a commitment to the same attributes and serial and to no secret. */
  blinded?: Uint8Array;
}

export class Statement {
  readonly said: Said;
  readonly blinded: Point | null;

  constructor(said: Said) {
    parseIdentifier(said.origin);
    requireHorizons(said);
    requirePredicates(said.predicates);
    requireScopes(said.scopes);
    this.said = said;
    this.blinded = said.blinded === undefined ? null : decodePoint(said.blinded);
  }

  /** The bytes that the transcript begins with; two statements never share them. */
  encode(): Uint8Array {
    const { said } = this;
    return concat(
      lp(utf8(SUITE)),
      lp(utf8(said.origin)),
      le(said.first, 8),
      le(said.size, 8),
      said.root,
      le(said.voidedAt, 8),
      le(said.lane, 8),
      said.ring.digest,
      le(said.predicates.length, 4),
      ...said.predicates.map(encodePredicate),
      le(said.scopes.length, 4),
      ...said.scopes.map(encodeScope),
      said.context,
      said.blinded === undefined ? new Uint8Array() : lp(said.blinded),
    );
  }

  get ranges(): Range[] {
    return this.said.predicates.filter((p): p is Range => p.kind === "range");
  }

  get sets(): OneOf[] {
    return this.said.predicates.filter((p): p is OneOf => p.kind === "one_of");
  }

  /** Attributes that get a commitment of their own: those with a range or a set. */
  get committed(): Attribute[] {
    return this.said.predicates.filter((p) => p.kind !== "equals").map((p) => p.attribute);
  }

  /** Attributes whose value is public. */
  get shown(): Equals[] {
    return this.said.predicates.filter((p): p is Equals => p.kind === "equals");
  }
}

/** The digits that a range takes: the bits of `hi - lo`. */
export function digitsOf(range: Range): number {
  const width = range.hi - range.lo;
  return width === 0n ? 0 : width.toString(2).length;
}

/** Weights whose subset sums are exactly `[0, width]`. protocol.md 6, part 3. */
export function digitWeights(range: Range): bigint[] {
  const digits = digitsOf(range);
  if (digits === 0) {
    return [];
  }
  const weights = Array.from({ length: digits - 1 }, (_, i) => 1n << BigInt(i));
  return [...weights, range.hi - range.lo - (1n << BigInt(digits - 1)) + 1n];
}

function encodePredicate(predicate: Predicate): Uint8Array {
  const id = ATTRIBUTES.indexOf(predicate.attribute) + 1;
  switch (predicate.kind) {
    case "equals":
      return concat(Uint8Array.of(id, 1), encodeScalar(predicate.value));
    case "range":
      return concat(Uint8Array.of(id, 2), le(predicate.lo, 8), le(predicate.hi, 8));
    case "one_of": {
      const { values } = predicate;
      return concat(Uint8Array.of(id, 3), le(values.length, 4), ...values.map(encodeScalar));
    }
  }
}

function encodeScope(scope: Scope): Uint8Array {
  return concat(Uint8Array.of(KEYS.indexOf(scope.kind) + 1), lp(utf8(scope.text)));
}

function requireHorizons(said: Said): void {
  const horizons = [said.first, said.size, said.voidedAt, said.lane];
  if (!horizons.every((horizon) => 0n <= horizon && horizon < U64)) {
    throw new FormatError("a horizon is outside 64 bits");
  }
  if (said.first >= said.size || said.voidedAt < said.size) {
    throw new FormatError("the horizons are not in order");
  }
  if (said.root.length !== HASH_BYTES || said.context.length !== HASH_BYTES) {
    throw new FormatError("root and context have 32 bytes");
  }
}

function requirePredicates(predicates: readonly Predicate[]): void {
  const ids = predicates.map((predicate) => ATTRIBUTES.indexOf(predicate.attribute));
  if (ids.some((id, i) => id < 0 || id <= (ids[i - 1] ?? -1))) {
    throw new FormatError("predicates are not in ascending order of known attributes");
  }
  let digits = 0;
  for (const predicate of predicates) {
    if (predicate.kind === "equals") {
      requireScalar(predicate.value);
    } else if (predicate.kind === "range") {
      requireRange(predicate);
      digits += digitsOf(predicate);
    } else {
      requireSet(predicate.values);
    }
  }
  if (digits > MOST_DIGITS) {
    throw new FormatError("too many digits in total");
  }
}

function requireRange({ lo, hi }: Range): void {
  if (!(0n <= lo && lo <= hi && hi < U64)) {
    throw new FormatError("bounds are reversed or outside 64 bits");
  }
  if (hi - lo >= WIDTH_LIMIT) {
    throw new FormatError("bounds are 2^48 or more apart");
  }
}

function requireSet(values: readonly bigint[]): void {
  if (values.length === 0 || values.length > MOST_VALUES) {
    throw new FormatError("a set has 1 to 256 values");
  }
  if (new Set(values).size !== values.length) {
    throw new FormatError("a value occurs twice");
  }
  values.forEach(requireScalar);
}

function requireScalar(value: bigint): void {
  if (!(0n <= value && value < ORDER)) {
    throw new FormatError("not a scalar");
  }
}

function requireScopes(scopes: readonly Scope[]): void {
  const texts = new Set(scopes.map(({ kind, text }) => `${kind}/${text}`));
  if (scopes.length > MOST_SCOPES || texts.size !== scopes.length) {
    throw new FormatError("a scope is repeated, or there are too many");
  }
  for (const { kind, text } of scopes) {
    if (!KEYS.includes(kind)) {
      throw new FormatError("unknown scope kind");
    }
    if (text.length === 0 || [...text].length > LONGEST_SCOPE) {
      throw new FormatError("a scope is empty or too long");
    }
    requireNfc(text);
  }
}
