import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, VerificationError } from "../src/verify/errors.ts";
import { fromHex, toHex } from "../src/verify/wire.ts";
import {
  attributeScalar,
  decodePoint,
  decodeScalar,
  encodeScalar,
  generator,
  ORDER,
  POINT_BYTES,
  type Point,
  tagBase,
} from "../src/verify/zk/group.ts";
import { digitWeights } from "../src/verify/zk/statement.ts";
import { Transcript } from "../src/verify/zk/transcript.ts";
import { proofSize, verifyProof } from "../src/verify/zk/verify.ts";
import { FILES, readStatement } from "./vectors.ts";

const encodePoint = (point: Point): Uint8Array => point.toBytes(true);

test("the project's own vectors are there", () => {
  expect(FILES.map(([name]) => name)).toContain("kvitto-own-v01.json");
});

describe.each(FILES)("%s", (_, vectors) => {
  test("generators, scalars, bases of tags", () => {
    for (const [label, point] of Object.entries(vectors.generators)) {
      expect(toHex(encodePoint(generator(label)))).toBe(point);
    }
    for (const { attribute, text, scalar } of vectors.text_scalars) {
      if (attribute !== "unit") {
        const padded = /^\d{13}$/.test(text) ? `0${text}` : text;
        expect(toHex(encodeScalar(attributeScalar(attribute, padded)))).toBe(scalar);
      }
    }
    for (const { kind, scope, point } of vectors.tag_bases) {
      expect(toHex(encodePoint(tagBase(kind, scope)))).toBe(point);
    }
  });

  test("weights of digits, challenges", () => {
    for (const { width, weights } of vectors.digits) {
      const range = { kind: "range", attribute: "price", lo: 0n, hi: BigInt(width) } as const;
      expect(digitWeights(range)).toEqual(weights.map(BigInt));
    }
    const transcript = new Transcript("KVITTO-V01-Shake128_P256-CLAIM");
    transcript.absorb(fromHex(vectors.transcript.absorb));
    for (const challenge of vectors.transcript.challenges) {
      expect(toHex(encodeScalar(transcript.challenge()))).toBe(challenge);
    }
  });

  test.each(vectors.cases)("$expected: $name", (vector) => {
    const statement = readStatement(vectors, vector.statement);
    const proof = fromHex(vector.proof);
    expect(toHex(sha256(statement.encode()))).toBe(vector.encoded_statement_sha256);
    if (vector.expected === "accept") {
      expect(verifyProof(statement, proof).map(toHex)).toEqual(vector.tags ?? []);
    } else {
      const refused = expect(() => verifyProof(statement, proof));
      refused.toThrow(/^(a proof|an unknown|not a|the proof does not)/);
    }
  });

  test.each(vectors.invalid_statements)("invalid: $name", ({ statement }) => {
    expect(() => readStatement(vectors, statement)).toThrow(FormatError);
  });
});

describe("an accepted proof", () => {
  const accepted = FILES.flatMap(([, vectors]) =>
    vectors.cases
      .filter(({ expected, statement }) => expected === "accept" && statement.ring.length < 20)
      .map((vector) => ({
        statement: readStatement(vectors, vector.statement),
        proof: fromHex(vector.proof),
      })),
  );

  test("is refused with any byte changed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...accepted),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ statement, proof }, at, bits) => {
          const changed = Uint8Array.from(proof);
          const place = at % proof.length;
          changed[place] = (proof[place] ?? 0) ^ bits;
          expect(() => verifyProof(statement, changed)).toThrow();
        },
      ),
      { numRuns: 25 },
    );
  });

  test("is refused at any other length", () => {
    for (const { statement, proof } of accepted) {
      expect(proof.length).toBe(proofSize(statement));
      for (const other of [proof.slice(0, -1), Uint8Array.of(...proof, 0), new Uint8Array()]) {
        expect(() => verifyProof(statement, other)).toThrow(FormatError);
      }
    }
  });

  test("is of its own statement only", () => {
    const [first, ...rest] = accepted;
    for (const { statement } of rest) {
      expect(() => verifyProof(statement, first?.proof ?? new Uint8Array())).toThrow();
    }
  });

  test("cannot be verified by a sum that comes to nothing", () => {
    const [one] = accepted;
    if (one === undefined) {
      throw new Error("no proof was accepted");
    }
    const changed = Uint8Array.from(one.proof);
    const last = changed.length - 1;
    changed[last] = (changed[last] ?? 0) ^ 1;
    expect(() => verifyProof(one.statement, changed)).toThrow(VerificationError);
  });
});

describe("points and scalars", () => {
  const point = encodePoint(generator("blinding"));

  test("have one encoding", () => {
    expect(toHex(encodePoint(decodePoint(point)))).toBe(toHex(point));
    const uncompressed = generator("blinding").toBytes(false);
    const infinity = new Uint8Array(POINT_BYTES);
    for (const bad of [uncompressed, infinity, Uint8Array.of(0), point.slice(1)]) {
      expect(() => decodePoint(bad)).toThrow(FormatError);
    }
    for (const head of [0, 1, 4, 5, 6, 7]) {
      expect(() => decodePoint(Uint8Array.of(head, ...point.slice(1)))).toThrow(FormatError);
    }
    const beyond = `02${"f".repeat(64)}`;
    expect(() => decodePoint(fromHex(beyond))).toThrow(FormatError);
  });

  test("of scalars, those below the order", () => {
    expect(decodeScalar(encodeScalar(ORDER - 1n))).toBe(ORDER - 1n);
    for (const bad of [encodeScalar(ORDER), new Uint8Array(31), new Uint8Array(33)]) {
      expect(() => decodeScalar(bad)).toThrow(FormatError);
    }
  });
});
