// The check of a claim that the service says is at some place of the event log.

import { type ClaimCheck, type Options, Unreachable, verifyClaim } from "../client.ts";
import type { Merchant } from "./documents.ts";
import { checkOf, lookAgain } from "./trust.ts";

/** Check it. `Lie` also if what is there is another claim, however true. */
export async function verified(
  merchant: Merchant,
  id: string,
  index: number,
  options: Options = {},
): Promise<ClaimCheck> {
  try {
    return await verifiedNow(merchant, id, index, options);
  } catch (error) {
    if (!(error instanceof Unreachable)) {
      throw error;
    }
  }
  // The purchase log may have been read before the event log, and this claim be of later purchases.
  await lookAgain(merchant);
  return verifiedNow(merchant, id, index, options);
}

async function verifiedNow(
  merchant: Merchant,
  id: string,
  index: number,
  options: Options,
): Promise<ClaimCheck> {
  const events = checkOf(merchant, "events").value.log;
  const purchases = checkOf(merchant, "purchases").value.log;
  if (events === undefined || purchases === undefined) {
    throw new Unreachable("the logs have not been opened");
  }
  const check = await verifyClaim(events, purchases, index, options);
  if (check.claimId !== id) {
    const why = `the service shows claim ${check.claimId} for ${id}`;
    throw await events.accuse("answer-differs", why, [index], []);
  }
  return check;
}
