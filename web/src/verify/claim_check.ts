// Checking one claim again: that the log, the policy and the proof allow what was decided.

import { readDecision } from "./aftersales/histories.ts";
import { Book } from "./book.ts";
import { FormatError, VerificationError } from "./errors.ts";
import { text } from "./json.ts";
import { Kept } from "./kept.ts";
import { type Event, parseEvent } from "./ledger/events.ts";
import type { Progress, VerifiedLog } from "./ledger/log.ts";
import { type BuiltRing, buildRing } from "./ledger/rings.ts";
import { type ClaimBody, claimStatement } from "./policies/claim.ts";
import { dayText, parseDay } from "./policies/days.ts";
import { respondsBy } from "./policies/policy.ts";
import { isOpenOn, type Version } from "./policies/versions.ts";
import { toHex } from "./wire.ts";
import { verifyProof } from "./zk/verify.ts";

const RECENT = 2; // closes: a claim made just before a close must not fail just after it

/** What is checked of a claim, in this order. */
export const CHECKS = ["event", "policy", "closes", "ring", "proof", "tags"] as const;

/** A claim that was checked, from its bytes to its proof. Times are in milliseconds. */
export interface ClaimCheck {
  index: number;
  claimId: string;
  policy: string;
  version: number;
  date: string;
  remedy: string;
  decision: string;
  ring: {
    first: number;
    size: number;
    voidedAt: number;
    lane: number;
    lanes: number;
    members: number;
    smallest: number;
  };
  tags: string[];
  proofBytes: number;
  checked: readonly (typeof CHECKS)[number][];
  milliseconds: { reading: number; ring: number; proof: number };
}

const books = new Kept<Book>();

/** Check the claim at `index` of the event log. `Lie` where something does not hold. */
export async function verifyClaim(
  events: VerifiedLog,
  purchases: VerifiedLog,
  index: number,
  onProgress?: Progress,
  signal?: AbortSignal,
): Promise<ClaimCheck> {
  const start = performance.now();
  const data = await events.entry(index);
  return books.use(
    [events, purchases],
    () => Book.open(events),
    async (book) => {
      if (purchases.origin !== book.declaration.origin) {
        throw new FormatError("the purchase log is another merchant's");
      }
      await book.readTo(index, events, purchases, onProgress, signal);
      try {
        return judge(book, index, parseEvent(data), performance.now() - start);
      } catch (error) {
        throw await caught(error, events, index);
      }
    },
  );
}

/** The lie that a claim is which should not have been approved; any other error as it is. */
async function caught(error: unknown, events: VerifiedLog, index: number): Promise<unknown> {
  if (error instanceof FormatError || error instanceof VerificationError) {
    const why = `the claim should not have been approved: ${error.message}`;
    return events.accuse("false-claim", why, [index]);
  }
  return error;
}

function judge(book: Book, index: number, event: Event, reading: number): ClaimCheck {
  const { claimId, body, proof, tags } = readDecision(event);
  const version = requireVersion(book, index, body, event);
  requireHorizons(book, index, body);
  const start = performance.now();
  const built = requireRing(book, body, version);
  const middle = performance.now();
  const statement = claimStatement(version, body, built.root, built.ring);
  const shown = verifyProof(statement, proof).map(toHex);
  if (shown.length !== tags.length || shown.some((tag, k) => tag !== tags[k])) {
    throw new VerificationError("the event has other tags than the proof shows");
  }
  return {
    index,
    claimId,
    policy: body.policy,
    version: body.version,
    date: body.date,
    remedy: body.remedy,
    decision: text(event.members.decision, "decision"),
    ring: {
      ...body.ring,
      lanes: book.partition.lanes(body.ring.first, body.ring.size),
      members: built.indices.length,
      smallest: version.policy.smallestRing,
    },
    tags: shown,
    proofBytes: proof.length,
    checked: CHECKS,
    milliseconds: { reading, ring: middle - start, proof: performance.now() - middle },
  };
}

/** The version that the claim names, under which it could be made that day, and decided so. */
function requireVersion(book: Book, index: number, body: ClaimBody, event: Event): Version {
  if (body.origin !== book.declaration.origin) {
    throw new VerificationError("it is about another merchant");
  }
  const today = parseDay(event.time.slice(0, 10));
  if (![today, today - 1].map(dayText).includes(body.date)) {
    throw new VerificationError("it has not the date of its day or of the day before");
  }
  const version = book.versions.version(body.policy, body.version, index);
  if (version === null) {
    throw new VerificationError("it names a policy that was not published");
  }
  if (!isOpenOn(version, parseDay(body.date))) {
    throw new VerificationError("the policy was not valid on that day");
  }
  const { policy } = version;
  if (event.members.decision !== (policy.review ? "under_review" : "approved")) {
    throw new VerificationError("not the decision that the policy gives");
  }
  const retireBy = policy.endsOwnership ? respondsBy(policy, event.time) : null;
  if (event.members.retire_by !== retireBy) {
    throw new VerificationError("not the time to retire that the policy gives");
  }
  return version;
}

/** That the ring's horizons are closes before the event, `voidedAt` one of the last two. */
function requireHorizons(book: Book, index: number, { ring }: ClaimBody): void {
  const sizes = book.closesBefore(index).map(({ size }) => size);
  if (ring.first !== 0 && !sizes.includes(ring.first)) {
    throw new VerificationError("the ring does not begin at a close");
  }
  if (!sizes.includes(ring.size) || !sizes.slice(-RECENT).includes(ring.voidedAt)) {
    throw new VerificationError("the ring does not end at a close, or at one that had passed");
  }
}

function requireRing(book: Book, { ring }: ClaimBody, { policy }: Version): BuiltRing {
  const built = buildRing(book.purchases, book.partition, ring);
  if (built.indices.length < policy.smallestRing) {
    throw new VerificationError("the ring is smaller than the policy's smallest");
  }
  return built;
}
