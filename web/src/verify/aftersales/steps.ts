// The steps of a case: their members, and the buyer's signatures. protocol.md 8, *Cases*.

import { FormatError, VerificationError } from "../errors.ts";
import { canonicalJson, count, type Json, type JsonObject, list, text } from "../json.ts";
import { isSigned } from "../ledger/ed25519.ts";
import { type Event, parseEventTime } from "../ledger/events.ts";
import type { FollowUpKeys } from "../policies/claim.ts";
import { REMEDIES } from "../policies/policy.ts";
import { fromHex, parseIdentifier } from "../wire.ts";

export const STEP = "claim.step";
export const MERCHANT = "merchant";
export const BUYER = "buyer";

const DECLINE_REASONS = [
  ...["not_covered", "no_fault_found", "caused_by_use", "evidence_missing", "no_answer", "other"],
];
const DISPUTE_REASONS = ["decision_wrong", "not_done", "done_badly", "too_late", "other"];
const WANTS = ["photo", "video", "description", "diagnosis", "address", "other"];
const COMMON = ["type", "time", "claim_id", "number", "by", "step", "attachments"];
const MOST_ATTACHMENTS = 8;
const LONGEST_SHOP = 100;

type Check = (value: Json) => boolean;

/** What a step says, and how many attachments it has at least and at most. */
interface Form {
  members: Record<string, Check>;
  attachments: readonly [number, number];
}

const ANY = [0, MOST_ATTACHMENTS] as const;
const SOME = [1, MOST_ATTACHMENTS] as const;
const NONE = [0, 0] as const;

const oneOf =
  (codes: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && codes.includes(value);

const isShare: Check = (value) =>
  Number.isSafeInteger(value) && 1 <= Number(value) && Number(value) <= 100;

const areWants: Check = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  JSON.stringify(value) === JSON.stringify(WANTS.filter((code) => value.includes(code)));

const reads =
  (parse: (value: Json) => unknown): Check =>
  (value) => {
    try {
      parse(value);
      return true;
    } catch {
      return false;
    }
  };

const GRANT = { resolution: oneOf(REMEDIES), share: isShare };

/** Who takes which step, and what it says. */
const STEPS = new Map<string, Form>([
  ["merchant/approve", { members: GRANT, attachments: ANY }],
  ["merchant/offer", { members: GRANT, attachments: ANY }],
  ["merchant/decline", { members: { reason: oneOf(DECLINE_REASONS) }, attachments: ANY }],
  ["merchant/ask", { members: { wants: areWants }, attachments: ANY }],
  ["merchant/start", { members: {}, attachments: ANY }],
  ["merchant/complete", { members: {}, attachments: ANY }],
  ["merchant/note", { members: {}, attachments: SOME }],
  ["buyer/answer", { members: {}, attachments: SOME }],
  ["buyer/accept", { members: {}, attachments: NONE }],
  ["buyer/withdraw", { members: {}, attachments: NONE }],
  ["buyer/dispute", { members: { reason: oneOf(DISPUTE_REASONS) }, attachments: ANY }],
  ["buyer/note", { members: {}, attachments: SOME }],
  [
    "buyer/redeem",
    {
      members: {
        shop: reads((value) => parseIdentifier(value, LONGEST_SHOP)),
        signed: reads(parseEventTime),
      },
      attachments: NONE,
    },
  ],
]);

/** `FormatError` unless the event has the form of a step. */
export function checkStep({ type, members }: Event): void {
  const form = STEPS.get(`${members.by}/${members.step}`);
  if (type !== STEP || form === undefined) {
    throw new FormatError("no such step");
  }
  const signed = members.by === BUYER;
  const expected = [...COMMON, ...Object.keys(form.members), ...(signed ? ["signature"] : [])];
  const names = Object.keys(members);
  if (names.length !== expected.length || !expected.every((name) => names.includes(name))) {
    throw new FormatError("not the members of this step");
  }
  fromHex(text(members.claim_id, "claim_id"), 32);
  count(members.number, "number");
  for (const [name, holds] of Object.entries(form.members)) {
    if (!holds(members[name] ?? null)) {
      throw new FormatError(`${name}: not a value of this step`);
    }
  }
  checkAttachments(members.attachments, form.attachments);
  if (signed) {
    fromHex(text(members.signature, "signature"), 64);
  }
}

function checkAttachments(value: Json | undefined, [least, most]: readonly [number, number]): void {
  const digests = list(value, "attachments");
  if (digests.length < least || digests.length > most) {
    throw new FormatError("too few or too many attachments");
  }
  for (const digest of digests) {
    fromHex(text(digest, "attachments"), 32);
  }
  if (new Set(digests).size < digests.length) {
    throw new FormatError("an attachment occurs twice");
  }
}

/** `VerificationError` unless the buyer has signed this step, which has the form of one. */
export async function verifyStep({ members }: Event, buyer: FollowUpKeys): Promise<void> {
  const isRedemption = members.step === "redeem";
  const key = fromHex(isRedemption ? buyer.redemption : buyer.followUp);
  const message = canonicalJson(isRedemption ? redemption(members) : unsigned(members));
  if (!(await isSigned(key, message, fromHex(text(members.signature, "signature"))))) {
    throw new VerificationError("a step is not signed by the buyer");
  }
}

function redemption({ claim_id = null, shop = null, signed = null }: JsonObject): JsonObject {
  return { type: "claim.redemption", claim_id, shop, signed };
}

function unsigned(members: JsonObject): JsonObject {
  const { time: _time, signature: _signature, ...rest } = members;
  return rest;
}
