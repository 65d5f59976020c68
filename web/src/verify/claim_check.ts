// Checking one claim again: that the log, the policy and the proof allow what was decided.

import { FormatError } from "./errors.ts";
import type { Progress, VerifiedLog } from "./log.ts";

/** What was checked of a claim, in this order. */
export const CHECKS = ["event", "policy", "closes", "ring", "tags", "proof"] as const;

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
  checked: (typeof CHECKS)[number][];
  milliseconds: { reading: number; ring: number; proof: number };
}

/** Check the claim at `index` of the event log. `Lie` where something does not hold. */
export async function verifyClaim(
  _events: VerifiedLog,
  _purchases: VerifiedLog,
  _index: number,
  _onProgress?: Progress,
  _signal?: AbortSignal,
): Promise<ClaimCheck> {
  throw new FormatError("claims are not checked yet");
}
