// The claim body, and how a policy and a body become a statement. protocol.md 5 and 8.

import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError } from "../errors.ts";
import { canonicalJson, count, isObject, type Json, text, withMembers } from "../json.ts";
import type { RingName } from "../ledger/rings.ts";
import { concat, fromHex, parseIdentifier, toHex } from "../wire.ts";
import { attributeScalar } from "../zk/group.ts";
import { type Attribute, type Predicate, type Ring, Statement } from "../zk/statement.ts";
import { normaliseProduct } from "./codes.ts";
import { parseDay } from "./days.ts";
import { parseContactKey, parseSigningKey } from "./keys.ts";
import { REMEDIES } from "./policy.ts";
import { purchaseDays, type Version } from "./versions.ts";

const MEMBERS = [
  ...["type", "origin", "policy", "version", "date", "number", "remedy"],
  ...["first", "size", "voided_at", "lane", "nonce"],
];
const BUYER = ["follow_up", "inbox", "redemption"];
const NONCE_BYTES = 16;

/** Public keys that the buyer made for one claim, in hex. */
export interface FollowUpKeys {
  followUp: string;
  redemption: string;
}

/** Everything about a claim that is public and that its proof is bound to. */
export interface ClaimBody {
  origin: string;
  policy: string;
  version: number;
  date: string;
  number: number;
  remedy: string;
  ring: RingName;
  buyer: FollowUpKeys | null;
  /** The SHA-256 of the body's canonical form. */
  context: Uint8Array;
}

export function parseClaim(document: Json | undefined): ClaimBody {
  const withBuyer = isObject(document) && Object.hasOwn(document, "buyer");
  const members = withMembers(document, withBuyer ? [...MEMBERS, "buyer"] : MEMBERS);
  if (members.type !== "claim") {
    throw new FormatError("not a claim");
  }
  const remedy = text(members.remedy, "remedy");
  if (!REMEDIES.includes(remedy)) {
    throw new FormatError("unknown remedy");
  }
  fromHex(text(members.nonce, "nonce"), NONCE_BYTES);
  const date = text(members.date, "date");
  parseDay(date);
  return {
    origin: parseIdentifier(members.origin),
    policy: parseIdentifier(members.policy),
    version: count(members.version, "version"),
    date,
    number: count(members.number, "number"),
    remedy,
    ring: {
      first: count(members.first, "first"),
      size: count(members.size, "size"),
      voidedAt: count(members.voided_at, "voided_at"),
      lane: count(members.lane, "lane"),
    },
    buyer: withBuyer ? parseBuyer(members.buyer) : null,
    context: sha256(canonicalJson(members)),
  };
}

function parseBuyer(document: Json | undefined): FollowUpKeys {
  const members = withMembers(document, BUYER);
  parseContactKey(text(members.inbox, "inbox"));
  return {
    followUp: parseSigningKey(text(members.follow_up, "follow_up")),
    redemption: parseSigningKey(text(members.redemption, "redemption")),
  };
}

/** A name for exactly this body with exactly this proof: 64 hex digits. */
export function claimId(body: ClaimBody, proof: Uint8Array): string {
  return toHex(sha256(concat(body.context, proof)));
}

/** What a version of a policy demands of a purchase for a claim made on `claimed`. */
export function policyPredicates(version: Version, claimed: number): Predicate[] {
  const { products, price, batches } = version.policy;
  const predicates: Predicate[] = [];
  if (products !== null) {
    const values = products.map((code) => attributeScalar("product", normaliseProduct(code)));
    predicates.push(membership("product", values));
  }
  const days = purchaseDays(version, claimed);
  if (days !== null) {
    predicates.push(range("date", ...days));
  }
  if (price !== null) {
    predicates.push(range("price", price.min, price.max), {
      kind: "equals",
      attribute: "currency",
      value: BigInt(price.currency),
    });
  }
  if (batches !== null) {
    predicates.push(
      membership(
        "batch",
        batches.map((code) => attributeScalar("batch", code)),
      ),
    );
  }
  return predicates;
}

/** The statement of a claim under the version that it names. */
export function claimStatement(
  version: Version,
  body: ClaimBody,
  root: Uint8Array,
  ring: Ring,
): Statement {
  const { policy } = version;
  const same =
    body.origin === policy.origin && body.policy === policy.id && body.version === policy.version;
  if (!same) {
    throw new FormatError("names another policy");
  }
  if (!policy.remedies.includes(body.remedy)) {
    throw new FormatError("the policy does not offer this remedy");
  }
  if (body.number >= policy.claimsPerPurchase) {
    throw new FormatError("the policy allows fewer claims");
  }
  if (policy.review && body.buyer === null) {
    throw new FormatError("nobody could be asked for evidence");
  }
  const scope = `claim|${body.origin}|${body.policy}|${body.number}`;
  return new Statement({
    origin: body.origin,
    first: BigInt(body.ring.first),
    size: BigInt(body.ring.size),
    root,
    voidedAt: BigInt(body.ring.voidedAt),
    lane: BigInt(body.ring.lane),
    ring,
    predicates: policyPredicates(version, parseDay(body.date)),
    scopes: [
      { kind: "serial", text: scope },
      { kind: "secret", text: scope },
    ],
    context: body.context,
  });
}

function membership(attribute: Attribute, values: bigint[]): Predicate {
  const [value] = values;
  return values.length === 1 && value !== undefined
    ? { kind: "equals", attribute, value }
    : { kind: "one_of", attribute, values };
}

function range(attribute: Attribute, lo: number, hi: number): Predicate {
  return { kind: "range", attribute, lo: BigInt(lo), hi: BigInt(hi) };
}
