// The policy: what a merchant promises, as a public, versioned JSON object. docs/policy.schema.json.

import { FormatError } from "../errors.ts";
import { count, isObject, type Json, type JsonObject, list, text } from "../json.ts";
import { parseIdentifier } from "../wire.ts";
import { normaliseProduct, requireCode, requireProduct, requireText } from "./codes.ts";
import { CURRENCIES } from "./currencies.ts";
import { after, before, type Duration, dayText, parseDay, parseDuration } from "./days.ts";
import { parseContactKey } from "./keys.ts";

export const REMEDIES = ["repair", "replacement", "refund", "store_credit"];
const KINDS = ["warranty", "return", "refund", "recall"];
const REQUIRED = [
  ...["schema", "origin", "id", "version", "kind", "title", "smallest_ring"],
  ...["valid_from", "valid_to", "remedies", "response_time"],
];
const OPTIONAL = [
  ...["products", "purchased", "covers_from", "price", "batches"],
  ...["claims_per_purchase", "ends_ownership", "review", "contact_key", "terms"],
];
const LONGEST_ID = 100;
const MOST_CODES = 256;
const MOST_CLAIMS = 100;
const PRICE_LIMIT = 2 ** 48 - 1;
const VERSION_LIMIT = 2 ** 31;
const LARGEST_RING = 4096;
const LONGEST_ADDRESS = 2083; // as the service's own reader has it
// The service refuses what `URL` mends: all but the code points of an address.
const PLAIN = "[\\w!$&'()*+,.:;=~\\u{a0}-\\u{10fffd}-]|%[0-9a-f]{2}";
const ADDRESS = new RegExp(
  `^https?://(?!/)(?:(?:${PLAIN})*@)?(?:\\[[0-9a-f:.]+\\])?(?:${PLAIN})*` +
    `(?:[/?](?:${PLAIN}|[/?@])*)?(?:#(?:${PLAIN}|[/?@])*)?$`,
  "iu",
);
const NO_CHARACTER = /\p{Noncharacter_Code_Point}/u;

// The calendar repeats every four years until 2100.
const FOUR_YEARS = Array.from({ length: 1461 }, (_, n) => parseDay("2024-01-01") + n);

export type Window =
  | { kind: "relative"; oldest: Duration; newest: Duration }
  | { kind: "absolute"; from: number; to: number };

/** One version of one promise. Days are numbers since 1970; what is `null` is not demanded. */
export interface Policy {
  origin: string;
  id: string;
  version: number;
  kind: string;
  title: string;
  products: string[] | null;
  purchased: Window | null;
  coversFrom: number | null;
  price: { currency: number; min: number; max: number } | null;
  batches: string[] | null;
  claimsPerPurchase: number;
  endsOwnership: boolean;
  review: boolean;
  contactKey: string | null;
  smallestRing: number;
  validFrom: number;
  validTo: number;
  remedies: string[];
  responseTime: Duration;
}

/** A policy from parsed JSON; `FormatError` for anything that the service would not publish. */
export function parsePolicy(document: Json | undefined): Policy {
  const members = known(document, REQUIRED, OPTIONAL);
  if (members.schema !== "kvitto-policy/v1") {
    throw new FormatError("not the schema of a policy");
  }
  if (given(members.terms)) {
    requireAddress(text(members.terms, "terms"));
  }
  const policy: Policy = {
    origin: parseIdentifier(members.origin, LONGEST_ID),
    id: parseIdentifier(members.id, LONGEST_ID),
    version: between(members.version, 1, VERSION_LIMIT - 1),
    kind: oneOf(members.kind, KINDS),
    title: printable(members.title),
    products: given(members.products) ? codes(members.products, requireProduct) : null,
    purchased: given(members.purchased) ? parseWindow(members.purchased) : null,
    coversFrom: given(members.covers_from) ? day(members.covers_from) : null,
    price: given(members.price) ? parsePrice(members.price) : null,
    batches: given(members.batches) ? codes(members.batches, requireCode) : null,
    claimsPerPurchase: between(members.claims_per_purchase ?? 1, 1, MOST_CLAIMS),
    endsOwnership: flag(members.ends_ownership),
    review: flag(members.review),
    contactKey: given(members.contact_key)
      ? parseContactKey(text(members.contact_key, "contact_key"))
      : null,
    smallestRing: between(members.smallest_ring, 1, LARGEST_RING),
    validFrom: day(members.valid_from),
    validTo: day(members.valid_to),
    remedies: list(members.remedies, "remedies").map((remedy) => oneOf(remedy, REMEDIES)),
    responseTime: parseDuration(text(members.response_time, "response_time")),
  };
  requireNotNull(members, ["claims_per_purchase", "ends_ownership", "review"]);
  requireConsistent(policy);
  return policy;
}

/** First and last day of purchase for a claim made on `claimed`; `null` for any day. */
export function windowDays(policy: Policy, claimed: number): [number, number] | null {
  const window = policy.purchased;
  if (window === null) {
    return null;
  }
  if (window.kind === "absolute") {
    return [window.from, window.to];
  }
  const [first, last] = [before(window.oldest, claimed), before(window.newest, claimed)];
  if (first > last) {
    throw new FormatError("the window is empty");
  }
  return [first, last];
}

/** Until when the merchant responds to what happened at an event time; an event time. */
export function respondsBy(policy: Policy, moved: string): string {
  return dayText(after(policy.responseTime, parseDay(moved.slice(0, 10)))) + moved.slice(10);
}

function requireConsistent(policy: Policy): void {
  const products = policy.products?.map(normaliseProduct) ?? [];
  for (const values of [products, policy.batches ?? [], policy.remedies]) {
    if (new Set(values).size !== values.length) {
      throw new FormatError("a value occurs twice");
    }
  }
  const wrong =
    policy.remedies.length === 0 ||
    policy.remedies.length > REMEDIES.length ||
    policy.validFrom > policy.validTo ||
    (policy.coversFrom ?? 0) > policy.validTo ||
    (policy.kind === "refund" && !policy.endsOwnership) ||
    (policy.endsOwnership && policy.claimsPerPurchase !== 1) ||
    (policy.review && policy.contactKey === null) ||
    (policy.review && policy.endsOwnership);
  if (wrong) {
    throw new FormatError("what the policy says does not go together");
  }
}

function parseWindow(value: Json): Window {
  if (isObject(value) && Object.hasOwn(value, "from")) {
    const members = known(value, ["from", "to"], []);
    const window = { kind: "absolute" as const, from: day(members.from), to: day(members.to) };
    if (window.from > window.to) {
      throw new FormatError("from is after to");
    }
    return window;
  }
  const members = known(value, ["oldest"], ["newest"]);
  requireNotNull(members, ["newest"]);
  const oldest = parseDuration(text(members.oldest, "oldest"));
  const newest = parseDuration(text(members.newest ?? "P0D", "newest"));
  before(oldest, parseDay("2024-01-01")); // or it reaches before the calendar
  const toToday = newest.months === 0 && newest.days === 0;
  if (!toToday && FOUR_YEARS.some((day) => before(oldest, day) > before(newest, day))) {
    throw new FormatError("oldest is more recent than newest, at least on some days");
  }
  return { kind: "relative", oldest, newest };
}

function parsePrice(value: Json): NonNullable<Policy["price"]> {
  const members = known(value, ["currency"], ["min", "max"]);
  requireNotNull(members, ["min", "max"]);
  const letters = text(members.currency, "currency");
  const currency = Object.hasOwn(CURRENCIES, letters) ? CURRENCIES[letters] : undefined;
  const min = between(members.min ?? 0, 0, PRICE_LIMIT);
  const max = between(members.max ?? PRICE_LIMIT, 0, PRICE_LIMIT);
  if (currency === undefined || min > max) {
    throw new FormatError("not a price in a known currency");
  }
  return { currency, min, max };
}

/** The object, if it has all that is required, and nothing that is not known. */
function known(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[],
): JsonObject {
  if (!isObject(value)) {
    throw new FormatError("not an object");
  }
  const names = Object.keys(value);
  const all = [...required, ...optional];
  if (!required.every((name) => names.includes(name)) || !names.every((n) => all.includes(n))) {
    throw new FormatError("a member is missing, or not known");
  }
  return value;
}

function given(value: Json | undefined): value is Exclude<Json, null> {
  return value !== undefined && value !== null;
}

/** What has a default may be absent, and is never null. */
function requireNotNull(members: JsonObject, names: readonly string[]): void {
  if (names.some((name) => members[name] === null)) {
    throw new FormatError("null where a value is needed");
  }
}

function between(value: Json | undefined, low: number, high: number): number {
  const number = count(value, "number");
  if (number < low || number > high) {
    throw new FormatError("a number out of range");
  }
  return number;
}

function oneOf(value: Json | undefined, values: readonly string[]): string {
  const word = text(value, "word");
  if (!values.includes(word)) {
    throw new FormatError("not one of the words that are known");
  }
  return word;
}

function flag(value: Json | undefined): boolean {
  if (value !== undefined && typeof value !== "boolean") {
    throw new FormatError("neither true nor false");
  }
  return value === true;
}

function printable(value: Json | undefined): string {
  const words = text(value, "text");
  requireText(words);
  return words;
}

function day(value: Json | undefined): number {
  return parseDay(text(value, "day"));
}

function codes(value: Json, require: (code: string) => void): string[] {
  const found = list(value, "codes").map((code) => text(code, "code"));
  if (found.length === 0 || found.length > MOST_CODES) {
    throw new FormatError("not 1 to 256 codes");
  }
  found.forEach(require);
  return found;
}

function requireAddress(address: string): void {
  const spelt = ADDRESS.test(address) && !NO_CHARACTER.test(address);
  if (!spelt || address.length > LONGEST_ADDRESS || !isUrl(address)) {
    throw new FormatError("not an address");
  }
}

/** `URL.canParse` is wrong about some of what is not ASCII in Node 20, and unknown elsewhere. */
function isUrl(address: string): boolean {
  try {
    return new URL(address).host !== "";
  } catch {
    return false;
  }
}
