import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { verifyClaim } from "../src/verify/claim_check.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { fromBase64 } from "../src/verify/wire.ts";
import { Signer, served } from "./memory_log.ts";
import { EXPECTED, events, HOME, purchases } from "./shop.ts";

/** What the Python rooms say of a claim after a change of one event (tests/web/verdict.py). */
interface Change {
  index: number;
  event: string;
  claim: number;
  holds: boolean;
}

const CHANGES = JSON.parse(readFileSync(new URL("changes.json", HOME), "utf8")) as Change[];
const MERCHANT = new Signer(`${EXPECTED.origin}/events`, 9);
const { vkeys } = EXPECTED;

let bought: VerifiedLog;
let written: Uint8Array[];

beforeAll(async () => {
  bought = await VerifiedLog.open(purchases(), vkeys.purchases, []);
  const log = await VerifiedLog.open(events(), vkeys.events, []);
  written = await log.entries(0, log.size);
});

async function isHeld({ index, event, claim }: Change): Promise<boolean> {
  const entries = written.map((data, i) => (i === index ? fromBase64(event) : data));
  const files = served(entries, MERCHANT.name, MERCHANT);
  try {
    await verifyClaim(await VerifiedLog.open(files, [MERCHANT.vkey], []), bought, claim);
  } catch (error) {
    expect(error).toMatchObject({ kind: expect.stringMatching(/^false-(?:claim|history)$/) });
    return false;
  }
  return true;
}

describe("the browser says of claims in changed logs what the service says", () => {
  test("of both kinds", () => {
    expect(CHANGES.filter(({ holds }) => holds).length).toBeGreaterThan(5);
    expect(CHANGES.filter(({ holds }) => !holds).length).toBeGreaterThan(40);
  });

  test.each(CHANGES)("event $index and the claim at $claim: $holds", async (change) => {
    expect(await isHeld(change)).toBe(change.holds);
  });
});
