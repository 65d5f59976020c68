import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../src/verify/errors.ts";
import { canonicalJson, parseCanonical } from "../src/verify/json.ts";
import { parseEvent, parseEventTime } from "../src/verify/ledger/events.ts";
import {
  big,
  fromBase64,
  fromHex,
  le,
  parseDecimal,
  parseIdentifier,
  toBase64,
  toHex,
  toNumber,
  utf8,
} from "../src/verify/wire.ts";

function refused(read: (text: string) => unknown, ...texts: string[]): void {
  for (const text of texts) {
    expect(() => read(text), JSON.stringify(text)).toThrow(FormatError);
  }
}

describe("one encoding for each value", () => {
  test("of bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
    refused(fromHex, "0", "FF", "0g", " 00", "0x00");
    refused(fromBase64, "QQ", "QQ=", "QR==", "Q Q==", "QQ==\n", "_w==", "====");
    expect(() => fromHex("00", 2)).toThrow(FormatError);
    expect(() => fromBase64("QQ==", 2)).toThrow(FormatError);
  });

  test("of numbers", () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        expect(parseDecimal(String(n))).toBe(n);
        expect(toNumber(big(n, 8))).toBe(BigInt(n));
        expect([...le(n, 8)]).toEqual([...big(n, 8)].reverse());
      }),
    );
    refused(parseDecimal, "", "01", "+1", "-1", " 1", "1_0", "1e3", "٣", "9007199254740992");
    expect(() => big(256, 1)).toThrow();
  });

  test("of names and times", () => {
    expect(parseIdentifier("ledger.example/acme")).toBe("ledger.example/acme");
    refused(parseIdentifier, "", "a b", "é", "a|b", "a".repeat(201));
    expect(parseEventTime("2026-11-21T08:00:00Z")).toBe("2026-11-21T08:00:00Z");
    refused(
      parseEventTime,
      ...["2026-11-21T08:00:00", "2026-11-21 08:00:00Z", "2026-11-21T24:00:00Z"],
      ...["2026-02-30T08:00:00Z", "2026-11-21T08:00:60Z", "0000-01-01T00:00:00Z"],
    );
  });
});

describe("canonical JSON", () => {
  test("comes back as it went", () => {
    const value = fc.jsonValue({ maxDepth: 3, noUnicodeString: true });
    fc.assert(
      fc.property(value, (json) => {
        const whole = JSON.parse(
          JSON.stringify(json, (_, v) => (typeof v === "number" ? Math.trunc(v) % 1e15 : v)),
        );
        const data = canonicalJson(whole);
        expect(canonicalJson(parseCanonical(data))).toEqual(data);
      }),
    );
    expect(toHex(canonicalJson({ b: 1, a: "ü" }))).toBe(toHex(utf8('{"a":"ü","b":1}')));
  });

  test("is the only spelling", () => {
    const read = (text: string): unknown => parseCanonical(utf8(text));
    refused(
      read,
      ...["", "{", '{"a":1,"a":1}', '{"b":1,"a":1}', '{"a": 1}', "1.0", "1e2", "-0", "1.5"],
      ...["9007199254740992", '"\\u0041"', '"\\/"', "NaN", '"e\u0301"', '"\\ud800"'],
      "[".repeat(65) + "]".repeat(65),
    );
    expect(parseCanonical(utf8("[".repeat(64) + "]".repeat(64)))).toBeTruthy();
    expect(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(FormatError);
    expect(() => parseCanonical(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toThrow(FormatError);
  });

  test("of an event has a type and a time", () => {
    const event = { type: "a", time: "2026-11-21T08:00:00Z" };
    expect(parseEvent(canonicalJson(event)).type).toBe("a");
    for (const bad of [{ ...event, type: "" }, { type: "a" }, [event], { ...event, time: 1 }]) {
      expect(() => parseEvent(canonicalJson(bad))).toThrow(FormatError);
    }
    const long = { ...event, text: "x".repeat(65_535) };
    expect(() => parseEvent(canonicalJson(long))).toThrow(FormatError);
  });
});
