// What became of every claim of a log, move by move.

import { VerificationError } from "../errors.ts";
import { list, text } from "../json.ts";
import { type Event, eventMembers } from "../ledger/events.ts";
import { type ClaimBody, claimId, parseClaim } from "../policies/claim.ts";
import { VersionFold } from "../policies/versions.ts";
import { fromBase64 } from "../wire.ts";
import { advance, type Case, openCase, RETIRED } from "./cases.ts";
import { STEP } from "./steps.ts";

const DECIDED = "claim.decided";
const DECISION = ["claim_id", "decision", "claim", "proof", "tags", "retire_by"];

/** One event of a claim, and until when the merchant has to move after it. */
export interface Move {
  time: string;
  by: string;
  step: string;
  due: string | null;
}

/** `slot` is what the claim uses up, unless it comes to nothing: its scope and its serial tag. */
export interface History {
  slot: string;
  opened: string;
  firstDue: string | null;
  case: Case;
  moves: Move[];
}

/** What the event of a decision says. `tags` are in hex: serial, secret. */
export interface Decision {
  claimId: string;
  body: ClaimBody;
  proof: Uint8Array;
  tags: string[];
}

/** Read the event of a decision, which is about the claim that it names. */
export function readDecision(event: Event): Decision {
  const members = eventMembers(event, DECISION);
  const body = parseClaim(members.claim);
  const proof = fromBase64(text(members.proof, "proof"));
  const identifier = claimId(body, proof);
  if (event.type !== DECIDED || text(members.claim_id, "claim_id") !== identifier) {
    throw new VerificationError("a decision that is not about the claim that it names");
  }
  const tags = list(members.tags, "tags").map((tag) => text(tag, "tags"));
  return { claimId: identifier, body, proof, tags };
}

/** Reads the events of a log in their order. */
export class Histories {
  readonly claims = new Map<string, History>();
  readonly #versions: VersionFold;
  readonly #slots = new Map<string, string>();

  constructor(origin: string) {
    this.#versions = new VersionFold(origin);
  }

  async read(index: number, event: Event): Promise<void> {
    this.#versions.read(index, event);
    if (event.type === DECIDED) {
      this.#open(event);
    } else if (event.type === STEP || (event.type === RETIRED && "claim_id" in event.members)) {
      await this.#advance(event);
    }
  }

  #open(event: Event): void {
    const { claimId, body, tags } = readDecision(event);
    const version = this.#versions.version(body.policy, body.version);
    if (version === null) {
      throw new VerificationError("a claim names a policy that is not published");
    }
    if (this.claims.has(claimId)) {
      throw new VerificationError("a claim is decided a second time");
    }
    const opened = openCase(event, claimId, body, version.policy);
    const slot = JSON.stringify([body.policy, body.number, tags[0]]);
    this.#use(slot, opened);
    const begun = { opened: event.time, firstDue: opened.due, case: opened };
    this.claims.set(claimId, { slot, ...begun, moves: [] });
  }

  /** At every place of the log, a slot is used by at most one claim. */
  #use(slot: string, { claimId, state }: Case): void {
    const holder = this.#slots.get(slot);
    if (state === "declined" || state === "canceled") {
      if (holder === claimId) {
        this.#slots.delete(slot);
      }
      return;
    }
    if (holder !== undefined && holder !== claimId) {
      throw new VerificationError("two claims use one slot of a purchase");
    }
    this.#slots.set(slot, claimId);
  }

  async #advance(event: Event): Promise<void> {
    const { members, time } = event;
    const history = this.claims.get(text(members.claim_id, "claim_id"));
    if (history === undefined) {
      throw new VerificationError("a step of a claim that was not decided");
    }
    const advanced = await advance(history.case, event);
    this.#use(history.slot, advanced);
    history.case = advanced;
    const isStep = event.type === STEP;
    history.moves.push({
      time,
      by: isStep ? text(members.by, "by") : "owner",
      step: isStep ? text(members.step, "step") : "retire",
      due: history.case.due,
    });
  }
}
