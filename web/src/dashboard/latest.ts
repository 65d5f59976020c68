// The newest claims of a merchant. The service lists claims in the order of the log, so that one
// looks at its last events, and at those before them, until there are enough.

import type { ClaimsPage } from "./documents.ts";
import { ask, place } from "./service.ts";

const PAGE = 100; // events, of which each may be a claim; the service lists no more at once
const MOST_PAGES = 20; // then claims are so rare that whoever wants more searches

/** At least so many as are `wanted`, if there are, the newest first. */
export async function latestClaims(
  merchant: string,
  events: number,
  wanted: number,
): Promise<ClaimsPage["claims"]> {
  const found = new Map<string, ClaimsPage["claims"][number]>();
  let stop = events;
  for (let pages = 0; pages < MOST_PAGES && stop > 0 && found.size < wanted; pages++) {
    stop = Math.max(0, stop - PAGE);
    const page = await ask<ClaimsPage>(place(merchant, `claims?cursor=${stop}&limit=${PAGE}`));
    for (const claim of page.claims.reverse()) {
      // A page with few claims of its own goes on with those that were found before.
      if (!found.has(claim.claim_id)) {
        found.set(claim.claim_id, claim);
      }
    }
  }
  return [...found.values()];
}
