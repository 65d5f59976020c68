import { describe, expect, test } from "vitest";
import { verifyClaim } from "../src/verify/claim_check.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { EXPECTED, events, purchases } from "./shop.ts";

const { witnesses, vkeys } = EXPECTED;

function openBoth(): Promise<[VerifiedLog, VerifiedLog]> {
  return Promise.all([
    VerifiedLog.open(events(), vkeys.events, witnesses),
    VerifiedLog.open(purchases(), vkeys.purchases, witnesses),
  ]);
}

describe("the claims that the service approved", () => {
  test.each(EXPECTED.claims)("at $index", async (expected) => {
    const [log, bought] = await openBoth();
    const check = await verifyClaim(log, bought, expected.index);
    expect(check.claimId).toBe(expected.claim_id);
    expect(check.ring.members).toBe(expected.ring.length);
    expect(check.tags).toEqual(expected.tags);
  });

  test("can be checked in any order", async () => {
    const [log, bought] = await openBoth();
    for (const { index, claim_id } of [...EXPECTED.claims].reverse()) {
      expect((await verifyClaim(log, bought, index)).claimId).toBe(claim_id);
    }
  });
});
