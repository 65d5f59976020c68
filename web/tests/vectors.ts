// The protocol's vectors: the project's own, and those made by others where they lie beside it.

import { existsSync, readFileSync } from "node:fs";
import { FormatError } from "../src/verify/errors.ts";
import { fromHex, toNumber } from "../src/verify/wire.ts";
import { decodePoint } from "../src/verify/zk/group.ts";
import {
  type Attribute,
  type Predicate,
  Ring,
  type Scope,
  Statement,
} from "../src/verify/zk/statement.ts";

interface PredicateVector {
  attribute: Attribute;
  kind: "equals" | "range" | "one_of";
  value?: string;
  values?: string[];
  lo?: number;
  hi?: number;
}

interface StatementVector {
  origin: string;
  first: number;
  size: number;
  root: string;
  voided_at: number;
  lane: number;
  ring: number[];
  predicates: PredicateVector[];
  scopes: { kind: Scope["kind"]; scope: string }[];
  context: string;
  blinded?: string;
}

export interface Vectors {
  generators: Record<string, string>;
  text_scalars: { attribute: "product" | "batch" | "unit"; text: string; scalar: string }[];
  tag_bases: { kind: string; scope: string; point: string }[];
  digits: { width: number; weights: number[] }[];
  transcript: { absorb: string; challenges: string[] };
  closes: { size: number; root: string; seed_signatures: string[]; seed: string }[];
  shuffle_keys: { entry: number; key: string }[];
  rings: {
    first: number;
    size: number;
    capacity: number;
    entry: number;
    void: number[];
    lanes: number;
    lane: number;
    members: number;
    sha256_of_decimals_joined_by_commas: string;
  }[];
  purchases: { commitment: string }[];
  policies?: {
    name: string;
    origin: string;
    events: object[];
    policy: string;
    version: number;
    end: string | null;
    date: string;
    predicates: PredicateVector[] | null;
  }[];
  acceptances?: {
    name: string;
    expected: "accept" | "reject";
    origin: string;
    blinded: string;
    acceptance: { commitment: string; proof: string };
  }[];
  transfers?: { body: object; context: string; scope: string }[];
  cases: {
    name: string;
    expected: "accept" | "reject";
    statement: StatementVector;
    encoded_statement_sha256: string;
    proof: string;
    tags?: string[];
  }[];
  invalid_statements: { name: string; statement: StatementVector }[];
}

const PLACES = [
  "../../tests/vectors/kvitto-own-v01.json",
  "../../../shared/vectors/kvitto-v01.json",
].map((place) => new URL(place, import.meta.url));

export const FILES: [name: string, vectors: Vectors][] = PLACES.filter((place) =>
  existsSync(place),
).map((place) => [
  place.pathname.replace(/.*\//, ""),
  JSON.parse(readFileSync(place, "utf8")) as Vectors,
]);

export function readPredicate(vector: PredicateVector): Predicate {
  const { attribute, kind } = vector;
  switch (kind) {
    case "equals":
      return { kind, attribute, value: scalar(vector.value) };
    case "range":
      return { kind, attribute, lo: BigInt(vector.lo ?? 0), hi: BigInt(vector.hi ?? 0) };
    case "one_of":
      return { kind, attribute, values: (vector.values ?? []).map(scalar) };
  }
  throw new FormatError(`no such kind: ${String(kind)}`);
}

/** Not decoded yet, so that a value that is no scalar reaches the statement. */
function scalar(hex = ""): bigint {
  return toNumber(fromHex(hex));
}

const points = new Map<string, ReturnType<typeof decodePoint>>();

function point(commitment: string): ReturnType<typeof decodePoint> {
  const known = points.get(commitment) ?? decodePoint(fromHex(commitment));
  points.set(commitment, known);
  return known;
}

export function readStatement(vectors: Vectors, vector: StatementVector): Statement {
  const members = vector.ring.map((index) => vectors.purchases[index]?.commitment ?? "");
  const said = {
    origin: vector.origin,
    first: BigInt(vector.first),
    size: BigInt(vector.size),
    root: fromHex(vector.root),
    voidedAt: BigInt(vector.voided_at),
    lane: BigInt(vector.lane),
    ring: new Ring(
      members.map((member) => fromHex(member)),
      members.map(point),
    ),
    predicates: vector.predicates.map(readPredicate),
    scopes: vector.scopes.map(({ kind, scope }) => ({ kind, text: scope })),
    context: fromHex(vector.context),
  };
  const { blinded } = vector;
  return new Statement(blinded === undefined ? said : { ...said, blinded: fromHex(blinded) });
}
