import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FormatError } from "../src/verify/errors.ts";
import { canonicalJson, type JsonObject } from "../src/verify/json.ts";
import { parseEvent } from "../src/verify/ledger/events.ts";
import { policyPredicates } from "../src/verify/policies/claim.ts";
import { after, before, dayText, parseDay, parseDuration } from "../src/verify/policies/days.ts";
import { parseContactKey, parseSigningKey } from "../src/verify/policies/keys.ts";
import { parsePolicy, respondsBy } from "../src/verify/policies/policy.ts";
import { endOf, isOpenOn, VersionFold } from "../src/verify/policies/versions.ts";
import { FILES, readPredicate } from "./vectors.ts";

const EXAMPLES = new URL("../../examples/policies/", import.meta.url);

describe.each(FILES.filter(([, { policies }]) => policies))("%s", (_, vectors) => {
  test.each(vectors.policies ?? [])("$name", (vector) => {
    const fold = new VersionFold(vector.origin);
    for (const [index, event] of vector.events.entries()) {
      fold.read(index, parseEvent(canonicalJson(event as JsonObject)));
    }
    const version = fold.version(vector.policy, vector.version);
    if (version === null) {
      throw new Error("it was not published");
    }
    const end = endOf(version);
    expect(end === null ? null : dayText(end)).toBe(vector.end);
    const day = parseDay(vector.date);
    expect(isOpenOn(version, day)).toBe(vector.predicates !== null);
    if (vector.predicates !== null) {
      expect(policyPredicates(version, day)).toEqual(vector.predicates.map(readPredicate));
    }
  });
});

describe("a policy", () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".json"));
  const read = (name: string): JsonObject =>
    JSON.parse(readFileSync(new URL(name, EXAMPLES), "utf8")) as JsonObject;
  const good = read("warranty-2y.json");

  test.each(names)("%s", (name) => {
    expect(parsePolicy(read(name)).id).toBe(read(name).id);
  });

  test.each<[string, JsonObject]>([
    ["another schema", { schema: "kvitto-policy/v2" }],
    ["an unknown member", { more: 1 }],
    ["an id with a space", { id: "a b" }],
    ["a version of 0", { version: 0 }],
    ["a version that is text", { version: "1" }],
    ["an unknown kind", { kind: "gift" }],
    ["no title", { title: "" }],
    ["a title of two lines", { title: "a\nb" }],
    ["a title not in NFC", { title: "e\u0301" }],
    ["no products", { products: [] }],
    ["a product twice", { products: ["4006381333931", "04006381333931"] }],
    ["a GTIN with a wrong digit", { products: ["4006381333930"] }],
    ["a product with a space around", { products: [" x"] }],
    ["a window that never was", { purchased: { oldest: "P1D", newest: "P1M" } }],
    ["a window without a beginning", { purchased: { newest: "P1D" } }],
    ["a window that ends first", { purchased: { from: "2026-02-01", to: "2026-01-01" } }],
    [
      "a window of two kinds",
      { purchased: { from: "2026-01-01", to: "2026-01-02", oldest: "P1Y" } },
    ],
    ["a window before the calendar", { purchased: { oldest: "P999Y9999M9999W99999D" } }],
    ["a price of nothing", { price: { currency: "EUR", min: 2, max: 1 } }],
    ["gold", { price: { currency: "XAU" } }],
    ["a price below 0", { price: { currency: "EUR", min: -1 } }],
    ["null for a default", { claims_per_purchase: null }],
    ["too many claims", { claims_per_purchase: 101 }],
    ["a flag that is a number", { review: 1 }],
    ["review without a key", { review: true }],
    ["a key that keeps nothing", { contact_key: "00".repeat(32) }],
    ["a ring of none", { smallest_ring: 0 }],
    ["a day that is none", { valid_from: "2026-02-30" }],
    ["days in the wrong order", { valid_from: "2040-01-01" }],
    ["no remedies", { remedies: [] }],
    ["a remedy twice", { remedies: ["repair", "repair"] }],
    ["a refund that ends nothing", { kind: "refund", ends_ownership: false }],
    ["a response time of hours", { response_time: "PT5H" }],
    ["terms that are no address", { terms: "javascript:alert(1)" }],
  ])("is refused with %s", (_, changes) => {
    expect(parsePolicy(good)).toBeTruthy();
    expect(() => parsePolicy({ ...good, ...changes })).toThrow(FormatError);
  });

  test("of another log, of a false number, or a version again", () => {
    const policy: JsonObject = { ...good, version: 1 };
    const event = (number: number, changes: JsonObject = {}) =>
      parseEvent(
        canonicalJson({
          type: "policy.published",
          time: "2026-11-20T08:00:00Z",
          number,
          policy: { ...policy, ...changes },
        }),
      );
    const fold = new VersionFold(String(good.origin));
    expect(() => fold.read(0, event(1))).toThrow("hidden");
    fold.read(0, event(0, { origin: "other.example/acme" }));
    fold.read(1, event(1));
    fold.read(2, event(2, { title: "Another" }));
    fold.read(3, event(3, { more: 1 }));
    const id = String(good.id);
    expect(fold.version(id, 1)?.policy.title).toBe(good.title);
    expect(fold.version(id, 1, 1)).toBeNull();
    expect(fold.version(id, 2)).toBeNull();
  });
});

test("terms have the address that the service reads", () => {
  const good = JSON.parse(readFileSync(new URL("warranty-2y.json", EXAMPLES), "utf8"));
  expect(parsePolicy({ ...good, terms: "https://shop.example/terms?of=2026#sale" })).toBeTruthy();
  for (const spoilt of [
    "\\@b",
    " ",
    "\n",
    "\t",
    "\0",
    "\x7f",
    "/ b",
    "/\nb",
    "/%b",
    "/[b]",
    "/\\b",
    "/\x85",
  ]) {
    const terms = `https://shop.example${spoilt}`;
    expect(() => parsePolicy({ ...good, terms }), JSON.stringify(terms)).toThrow(FormatError);
  }
});

describe("days", () => {
  test("are counted by the calendar", () => {
    const from = (day: string, duration: string) =>
      dayText(before(parseDuration(duration), parseDay(day)));
    expect(from("2028-02-29", "P1Y")).toBe("2027-02-28");
    expect(from("2026-03-31", "P1M")).toBe("2026-02-28");
    expect(from("2026-01-15", "P1M2W3D")).toBe("2025-11-28");
    expect(dayText(after(parseDuration("P1M"), parseDay("2026-01-31")))).toBe("2026-02-28");
    expect(() => before(parseDuration("P999Y"), parseDay("1970-01-01"))).not.toThrow();
    expect(() => before(parseDuration("P999Y9999M9999W"), parseDay("1970-01-01"))).toThrow(
      FormatError,
    );
    expect(() => after(parseDuration("P999Y9999M9999W"), parseDay("9000-01-01"))).toThrow();
  });

  test("have one spelling", () => {
    for (const bad of ["P", "P01Y", "1Y", "P1Y ", "P-1D", "P1D1W", "PT1H", "P1000Y"]) {
      expect(() => parseDuration(bad), bad).toThrow(FormatError);
    }
    for (const bad of ["1969-12-31", "2026-13-01", "20261120", "2026-W47-5", "2026-1-1"]) {
      expect(() => parseDay(bad), bad).toThrow(FormatError);
    }
  });

  test("of a response are those of the policy", () => {
    const good = JSON.parse(readFileSync(new URL("warranty-2y.json", EXAMPLES), "utf8"));
    const policy = parsePolicy({ ...good, response_time: "P1M" });
    expect(respondsBy(policy, "2026-01-31T09:08:07Z")).toBe("2026-02-28T09:08:07Z");
  });
});

test("keys of low order are refused, in each spelling", () => {
  const p = 2n ** 255n - 19n;
  const hex = (n: bigint) =>
    n.toString(16).padStart(64, "0").match(/../g)?.reverse().join("") ?? "";
  for (const n of [0n, 1n, p - 1n, p, p + 1n, p + 2n ** 255n]) {
    expect(() => parseContactKey(hex(n))).toThrow(FormatError);
    expect(() => parseSigningKey(hex(n))).toThrow(FormatError);
  }
  expect(parseContactKey(hex(9n))).toBe(hex(9n));
});
