// The linear relation that ties a proof together. protocol.md 6, part 4.
//
// One set of responses for all equations: that the same values are in the commitment, in the
// commitments to attributes and in the tags makes the other parts speak of one purchase.

import { type Accumulator, randomWeight } from "./accumulator.ts";
import { G, generator, H, type Point, tagBase } from "./group.ts";
import type { ProofReader } from "./reader.ts";
import { ATTRIBUTES, KEYS, type Statement } from "./statement.ts";

/** Part 0: the re-randomised commitment T, the commitments V_a and the tags N_k. */
export interface Head {
  commitment: Point;
  attributes: readonly Point[];
  tags: readonly Point[];
}

/** The names of the witnesses, and for each equation its image and its terms. */
interface Relation {
  names: string[];
  equations: { image: Point; terms: [name: string, point: Point][] }[];
}

function attributeGenerator(name: string): Point {
  return generator(`attribute/${name}`);
}

/** The attributes that no equals predicate shows. */
export function hiddenAttributes(statement: Statement): string[] {
  const shown = new Set<string>(statement.shown.map(({ attribute }) => attribute));
  return ATTRIBUTES.filter((name) => !shown.has(name));
}

function relationOf(statement: Statement, head: Head): Relation {
  const hidden = [...hiddenAttributes(statement), ...KEYS];
  const { committed } = statement;
  const opening = hidden.map((name): [string, Point] => [name, attributeGenerator(name)]);
  const relation: Relation = {
    names: [...hidden, "blinding", ...committed.map((name) => `gamma/${name}`)],
    equations: [{ image: head.commitment, terms: [...opening, ["blinding", H()]] }],
  };
  for (const [i, image] of head.attributes.entries()) {
    const name = committed[i] ?? "";
    relation.equations.push({
      image,
      terms: [
        [name, G],
        [`gamma/${name}`, H()],
      ],
    });
  }
  for (const [k, image] of head.tags.entries()) {
    const scope = statement.said.scopes[k];
    if (scope !== undefined) {
      relation.equations.push({ image, terms: [[scope.kind, tagBase(scope.kind, scope.text)]] });
    }
  }
  if (statement.blinded !== null) {
    // T - E has a secret and a blinding, and nothing else.
    relation.names.push("delta");
    const terms: [string, Point][] = [
      ["secret", attributeGenerator("secret")],
      ["delta", H()],
    ];
    relation.equations.push({ image: head.commitment, terms });
  }
  return relation;
}

/** Read the sigma proof and add `nonce + e * image - map(responses)` of each equation. */
export function verifyRelation(
  reader: ProofReader,
  accumulator: Accumulator,
  statement: Statement,
  head: Head,
): void {
  const { names, equations } = relationOf(statement, head);
  const nonces = equations.map((equation) => ({ ...equation, nonce: reader.point() }));
  const e = reader.challenge();
  const responses = new Map(names.map((name) => [name, reader.scalar()]));
  for (const [i, { nonce, image, terms }] of nonces.entries()) {
    const w = randomWeight();
    accumulator.extend([w, w * e], [nonce, image]);
    for (const [name, point] of terms) {
      accumulator.add(-w * (responses.get(name) ?? 0n), point);
    }
    // The images of the first equation and of a transfer's last are T less something public.
    if (i === 0) {
      for (const { attribute, value } of statement.shown) {
        accumulator.add(-w * e * value, attributeGenerator(attribute));
      }
    } else if (i === equations.length - 1 && statement.blinded !== null) {
      accumulator.add(-w * e, statement.blinded);
    }
  }
}
