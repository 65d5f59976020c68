// Checking one proof. protocol.md 6 and 7.

import { FormatError } from "../errors.ts";
import { Accumulator } from "./accumulator.ts";
import { hiddenAttributes, verifyRelation } from "./claim_relation.ts";
import { POINT_BYTES, SCALAR_BYTES } from "./group.ts";
import { digitCount, verifyOneOutOfMany } from "./one_out_of_many.ts";
import { rounds, verifyRanges } from "./range_proof.ts";
import { ProofReader } from "./reader.ts";
import { type Attribute, KEYS, type Statement } from "./statement.ts";

/** The length in bytes that every proof of `statement` has. */
export function proofSize(statement: Statement): number {
  const { ranges, sets, committed, said } = statement;
  const lists = [said.ring.members.length, ...sets.map(({ values }) => values.length)];
  const equations = 1 + committed.length + said.scopes.length;
  let points = 2 * equations; // parts 0 and 4
  let scalars = hiddenAttributes(statement).length + KEYS.length + 1 + committed.length;
  for (const m of lists.map(digitCount)) {
    points += 2 + m;
    scalars += 3 * m + 2;
  }
  if (ranges.length > 0) {
    points += 3 + 2 * rounds(ranges); // A, A', B' and two a round
    scalars += 3; // r', s', delta'
  }
  if (statement.blinded !== null) {
    points += 1; // the nonce of T - E
    scalars += 1; // delta
  }
  return 1 + points * POINT_BYTES + scalars * SCALAR_BYTES;
}

/** The encoded tags that a proof shows, not verified. */
export function proofTags(statement: Statement, proof: Uint8Array): Uint8Array[] {
  if (proof.length !== proofSize(statement)) {
    throw new FormatError("a proof of the wrong length");
  }
  const first = 1 + POINT_BYTES * (1 + statement.committed.length);
  return statement.said.scopes.map((_, k) => {
    const start = first + k * POINT_BYTES;
    return proof.slice(start, start + POINT_BYTES);
  });
}

/**
 * The tags of a valid proof. `FormatError` for a length, point or scalar that is not canonical,
 * found before any arithmetic; `VerificationError` if it does not prove the statement.
 */
export function verifyProof(statement: Statement, proof: Uint8Array): Uint8Array[] {
  const { said, committed, sets, ranges } = statement;
  const reader = new ProofReader(statement.encode(), proof, proofSize(statement));
  const accumulator = new Accumulator();
  const commitment = reader.point();
  const attributes = reader.points(committed.length);
  const tags = reader.points(said.scopes.length);
  const targets = new Map(committed.map((name, i) => [name, attributes[i]]));
  const targetOf = (name: Attribute) => targets.get(name) ?? commitment;

  verifyOneOutOfMany(reader, accumulator, { points: said.ring.points }, commitment);
  for (const { attribute, values } of sets) {
    verifyOneOutOfMany(reader, accumulator, { values }, targetOf(attribute));
  }
  if (ranges.length > 0) {
    const ranged = ranges.map(({ attribute }) => targetOf(attribute));
    verifyRanges(reader, accumulator, ranges, ranged);
  }
  verifyRelation(reader, accumulator, statement, { commitment, attributes, tags });
  accumulator.verify();
  return proofTags(statement, proof);
}
