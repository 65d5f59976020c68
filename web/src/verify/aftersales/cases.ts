// The case of a claim: what follows once it is in the event log, folded from its events.
// protocol.md 8, *Cases*.

import { FormatError, VerificationError } from "../errors.ts";
import { text } from "../json.ts";
import type { Event } from "../ledger/events.ts";
import type { ClaimBody } from "../policies/claim.ts";
import { type Policy, respondsBy } from "../policies/policy.ts";
import { BUYER, checkStep, verifyStep } from "./steps.ts";

export const RETIRED = "ownership.retired";
const MOST_STEPS = 32; // of each side
const SIGNED_WITHIN = 86_400_000; // milliseconds: a shop may be without network for so long
const CLOCKS_DIFFER = 300_000;
const IN_PARTS = ["refund", "store_credit"]; // a repair is whole or none

export type State =
  | "under_review"
  | "approved"
  | "declined"
  | "needs_information"
  | "in_process"
  | "completed"
  | "canceled"
  | "disputed";

/** What the buyer gets: a resolution, and of money what share (percent). */
interface Grant {
  resolution: string;
  share: number;
}

/** A claim as it stands after some of its events. */
export interface Case {
  claimId: string;
  body: ClaimBody;
  policy: Policy;
  state: State;
  due: string | null;
  granted: Grant | null;
  agreed: boolean;
  offer: Grant | null;
  reason: string | null;
  answerBy: string | null;
  /** Where the question came, while it is open. */
  before: State | null;
  started: boolean;
  retired: boolean;
  redeemed: boolean;
  number: number;
  taken: { merchant: number; buyer: number };
}

/** The case that a decision opens, under the version that the claim names. */
export function openCase(event: Event, claimId: string, body: ClaimBody, policy: Policy): Case {
  const state = policy.review ? "under_review" : "approved";
  if (event.members.decision !== state) {
    throw new VerificationError("not the decision that the policy gives");
  }
  const opened: Case = {
    claimId,
    body,
    policy,
    state,
    due: null,
    granted: state === "approved" ? { resolution: body.remedy, share: 100 } : null,
    agreed: true,
    offer: null,
    reason: null,
    answerBy: null,
    before: null,
    started: false,
    retired: false,
    redeemed: false,
    number: 0,
    taken: { merchant: 0, buyer: 0 },
  };
  // Until its owner has left, a claim that ends the ownership may still lapse.
  return policy.endsOwnership ? opened : merchantsTurn(opened, event);
}

/** The case after one more of its events, a step or an end of ownership. */
export async function advance(known: Case, event: Event): Promise<Case> {
  const { members } = event;
  if (members.claim_id !== known.claimId) {
    throw new VerificationError("about another claim");
  }
  if (event.type === RETIRED) {
    const holdsSlot = known.state !== "declined" && known.state !== "canceled";
    require(known.policy.endsOwnership && holdsSlot && !known.retired);
    return merchantsTurn({ ...known, retired: true }, event);
  }
  checkStep(event);
  if (members.number !== known.number) {
    throw new VerificationError("the number of a step is not the next one");
  }
  const attached = Array.isArray(members.attachments) && members.attachments.length > 0;
  if (members.by === BUYER) {
    require(known.body.buyer !== null);
    await verifyStep(event, known.body.buyer);
    require(!attached || known.policy.contactKey !== null);
  } else {
    require(!attached || known.body.buyer !== null);
  }
  const taken = counted(known, event);
  const move = MOVES[`${members.by}/${members.step}`];
  require(move !== undefined);
  return { ...move(known, event), number: known.number + 1, taken };
}

/** A redemption comes once and does not count. */
function counted({ taken }: Case, { members }: Event): Case["taken"] {
  if (members.step === "redeem") {
    return taken;
  }
  const byBuyer = members.by === BUYER ? 1 : 0;
  const now = { merchant: taken.merchant + 1 - byBuyer, buyer: taken.buyer + byBuyer };
  if (Math.max(now.merchant, now.buyer) > MOST_STEPS) {
    throw new VerificationError("each side takes at most 32 steps");
  }
  return now;
}

type Move = (known: Case, event: Event) => Case;

const MOVES: Readonly<Record<string, Move>> = {
  "merchant/approve": (known, event) => {
    require(isOf(standing(known), ["under_review", "disputed"]) && known.granted === null);
    const granted = readGrant(known, event);
    const agreed = granted.resolution === known.body.remedy && granted.share === 100;
    const approved: Case = { ...settled(known), state: "approved", granted, agreed };
    // What the buyer did not ask for takes effect when the buyer accepts it.
    return agreed ? merchantsTurn(approved, event) : buyersTurn(approved);
  },
  "merchant/offer": (known, event) => {
    require(isOf(known.state, ["approved", "in_process", "disputed"]));
    require(known.granted !== null && known.body.buyer !== null && !known.redeemed);
    requireMayAct(known);
    return { ...known, offer: readGrant(known, event) };
  },
  "merchant/decline": (known, event) => {
    require(isOf(standing(known), ["under_review", "disputed"]) && known.granted === null);
    // Who was asked has the response time to answer.
    require(known.answerBy === null || known.answerBy < event.time);
    const reason = text(event.members.reason, "reason");
    return buyersTurn({ ...settled(known), state: "declined", reason });
  },
  "merchant/ask": (known, event) => {
    require(isOf(known.state, ["under_review", "approved", "in_process", "disputed"]));
    require(known.body.buyer !== null && known.policy.contactKey !== null);
    requireMayAct(known);
    const answerBy = respondsBy(known.policy, event.time);
    return { ...buyersTurn(known), state: "needs_information", before: known.state, answerBy };
  },
  "merchant/start": (known, event) => {
    require(isOf(standing(known), ["approved", "disputed"]));
    requireAgreed(known);
    return merchantsTurn({ ...settled(known), state: "in_process", started: true }, event);
  },
  "merchant/complete": (known) => {
    require(isOf(standing(known), ["approved", "in_process", "disputed"]));
    requireAgreed(known);
    return buyersTurn({ ...settled(known), state: "completed", started: true });
  },
  "merchant/note": (known) => known,
  "buyer/answer": (known, event) => {
    require(known.state === "needs_information");
    const answered = { ...known, state: standing(known), before: null, answerBy: null };
    return merchantsTurn(answered, event);
  },
  "buyer/accept": (known, event) => {
    require(isOf(known.state, ["approved", "in_process", "disputed"]));
    const granted = known.offer ?? known.granted;
    require(granted !== null && (known.offer !== null || !known.agreed));
    const state = known.state === "disputed" ? "approved" : known.state;
    return merchantsTurn({ ...settled(known), state, granted, agreed: true }, event);
  },
  "buyer/withdraw": (known) => {
    require(isOf(standing(known), ["under_review", "approved"]));
    require(!known.started && !known.retired);
    return buyersTurn({ ...settled(known), state: "canceled" });
  },
  "buyer/dispute": (known, event) => {
    require(isOf(known.state, ["approved", "declined", "in_process", "completed"]));
    requireMayAct(known);
    const reason = text(event.members.reason, "reason");
    return merchantsTurn({ ...known, state: "disputed", reason }, event);
  },
  "buyer/note": (known) => known,
  "buyer/redeem": (known, event) => {
    require(!known.redeemed);
    const untouched = standing(known) === "disputed" && !known.started;
    require(isOf(standing(known), ["approved", "in_process"]) || untouched);
    requireAgreed(known);
    const age = Date.parse(event.time) - Date.parse(text(event.members.signed, "signed"));
    require(-CLOCKS_DIFFER <= age && age <= SIGNED_WITHIN);
    const redeemed: Case = {
      ...settled(known),
      state: "in_process",
      started: true,
      redeemed: true,
    };
    return merchantsTurn(redeemed, event);
  },
};

/** Where the case stands apart from an open question. */
function standing(known: Case): State {
  return known.before ?? known.state;
}

/** Without the question, dispute or offer that was open. */
function settled(known: Case): Case {
  return { ...known, before: null, answerBy: null, reason: null, offer: null };
}

function merchantsTurn(known: Case, event: Event): Case {
  return { ...known, due: respondsBy(known.policy, event.time) };
}

function buyersTurn(known: Case): Case {
  return { ...known, due: null };
}

function readGrant({ policy }: Case, { members }: Event): Grant {
  const resolution = text(members.resolution, "resolution");
  const share = Number(members.share);
  if (!policy.remedies.includes(resolution) || (share < 100 && !IN_PARTS.includes(resolution))) {
    throw new FormatError("not a remedy of the policy, or a part of what has none");
  }
  return { resolution, share };
}

/** Where a claim ends the ownership, its owner leaves first. */
function requireMayAct(known: Case): void {
  require(known.retired || !known.policy.endsOwnership);
}

function requireAgreed(known: Case): void {
  require(known.granted !== null && known.agreed);
  requireMayAct(known);
}

function isOf(state: State, states: readonly State[]): boolean {
  return states.includes(state);
}

function require(condition: boolean): asserts condition {
  if (!condition) {
    throw new VerificationError("a step that could not be taken then");
  }
}
