import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { CHECKS, verifyClaim } from "../src/verify/claim_check.ts";
import { type Lie, Unreachable } from "../src/verify/errors.ts";
import { canonicalJson, isObject, type JsonObject, parseCanonical } from "../src/verify/json.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { claimId, parseClaim } from "../src/verify/policies/claim.ts";
import { equalBytes, fromBase64, fromHex, toBase64 } from "../src/verify/wire.ts";
import { checkEntries } from "./evidence.ts";
import { Signer, served } from "./memory_log.ts";
import { EXPECTED, events, purchases } from "./shop.ts";

const { witnesses, vkeys } = EXPECTED;
const MERCHANT = new Signer(`${EXPECTED.origin}/events`, 9);
const SHOP = new Signer(EXPECTED.origin, 8);

let bought: VerifiedLog;
let written: Uint8Array[];

beforeAll(async () => {
  bought = await VerifiedLog.open(purchases(), vkeys.purchases, witnesses);
  const log = await VerifiedLog.open(events(), vkeys.events, witnesses);
  written = await log.entries(0, log.size);
});

/** The event log with other entries, which its owner has signed. */
function signed(entries: readonly Uint8Array[]): Promise<VerifiedLog> {
  return VerifiedLog.open(served(entries, MERCHANT.name, MERCHANT), [MERCHANT.vkey], []);
}

function readObject(data: Uint8Array | undefined): JsonObject {
  const value = parseCanonical(data ?? new Uint8Array());
  if (!isObject(value)) {
    throw new Error("not an object");
  }
  return value;
}

/** The entries with one event changed. */
function rewritten(index: number, change: (event: JsonObject) => JsonObject): Uint8Array[] {
  return written.map((data, i) => (i === index ? canonicalJson(change(readObject(data))) : data));
}

/** A decision about another body or with another proof, with the id that belongs to it. */
function renamed(event: JsonObject): JsonObject {
  const body = parseClaim(event.claim);
  return { ...event, claim_id: claimId(body, fromBase64(String(event.proof))) };
}

function withBody(event: JsonObject, changes: JsonObject): JsonObject {
  const claim = isObject(event.claim) ? event.claim : {};
  return renamed({ ...event, claim: { ...claim, ...changes } });
}

function claimOf(policy: string): number {
  const found = EXPECTED.claims.find(({ index }) => {
    const { claim } = readObject(written[index]);
    return isObject(claim) && claim.policy === policy;
  });
  return found?.index ?? -1;
}

async function refusal(entries: readonly Uint8Array[], index: number): Promise<Lie["evidence"]> {
  try {
    await verifyClaim(await signed(entries), bought, index);
  } catch (error) {
    return (error as Lie).evidence;
  }
  throw new Error("the claim was accepted");
}

describe("the claims that the service approved", () => {
  test.each(EXPECTED.claims)("at $index", async (expected) => {
    const check = await verifyClaim(await signed(written), bought, expected.index);
    expect(check.claimId).toBe(expected.claim_id);
    expect(check.ring.members).toBe(expected.ring.length);
    expect(check.tags).toEqual(expected.tags);
    expect(check.checked).toEqual(CHECKS);
  });

  test("can be checked in any order, and many at once", async () => {
    const log = await VerifiedLog.open(events(), vkeys.events, witnesses);
    const claims = [...EXPECTED.claims].reverse().slice(0, 4);
    const checks = await Promise.all(claims.map(({ index }) => verifyClaim(log, bought, index)));
    expect(checks.map((check) => check.claimId)).toEqual(claims.map(({ claim_id }) => claim_id));
  });

  test("can be checked as the logs grow, and when they are others", async () => {
    const [first, last] = [EXPECTED.claims[0], EXPECTED.claims.at(-1)];
    const early = await signed(written.slice(0, 30));
    const check = await verifyClaim(early, bought, first?.index ?? -1);
    expect(check.claimId).toBe(first?.claim_id);
    const later = await verifyClaim(await signed(written), bought, last?.index ?? -1);
    expect(later.claimId).toBe(last?.claim_id);
    const none = written.map((data, i) => (i === 0 ? data : canonicalJson({})));
    expect((await refusal(none, first?.index ?? -1)).kind).toBe("false-claim");
  });
});

describe("a claim that should not have been approved", () => {
  const changes: [string, string, (event: JsonObject) => JsonObject, RegExp][] = [
    ["names another claim", "all", (e) => ({ ...e, claim_id: "00".repeat(32) }), /names/],
    ["has more to say", "all", (e) => ({ ...e, more: 1 }), /exactly/],
    ["is about another merchant", "all", (e) => withBody(e, { origin: "a/b" }), /merchant/],
    ["is of another day", "all", (e) => withBody(e, { date: "2026-11-01" }), /date/],
    ["names no policy", "all", (e) => withBody(e, { policy: "none" }), /not published/],
    ["names no version", "all", (e) => withBody(e, { version: 3 }), /not published/],
    ["asks for what is not offered", "all", (e) => withBody(e, { remedy: "refund" }), /remedy/],
    ["has a number too high", "all", (e) => withBody(e, { number: 1 }), /fewer claims/],
    ["begins at no close", "all", (e) => withBody(e, { first: 1 }), /begin at a close/],
    ["ends at no close", "all", (e) => withBody(e, { size: 149 }), /end at a close/],
    ["is in no lane", "all", (e) => withBody(e, { lane: 4 }), /lane/],
    ["is in another lane", "all", inAnotherLane, /does not verify|length/],
    ["is bound to another context", "all", (e) => withBody(e, { nonce: "00".repeat(16) }), /veri/],
    ["was to be looked at", "looked-at", (e) => ({ ...e, decision: "approved" }), /decision/],
    ["has nobody to ask", "looked-at", (e) => withoutBuyer(e), /nobody/],
    ["is to retire never", "refund-14d", (e) => ({ ...e, retire_by: null }), /retire/],
    ["shows tags in another order", "all", (e) => ({ ...e, tags: swapped(e.tags) }), /other tags/],
    ["shows one tag", "all", (e) => ({ ...e, tags: [] }), /other tags/],
    ["is no claim at all", "all", (e) => ({ time: e.time ?? "", type: "other" }), /exactly/],
  ];

  test.each(changes)("%s", async (_, policy, change, why) => {
    const index = claimOf(policy);
    const evidence = await refusal(rewritten(index, change), index);
    expect(evidence.kind).toBe("false-claim");
    expect(evidence.why).toMatch(why);
    const entry = evidence.entries[0];
    expect(entry?.index).toBe(index);
    expect(fromBase64(entry?.data ?? "")).toEqual(rewritten(index, change)[index]);
    await checkEntries(evidence);
  });

  test("has any other proof", async () => {
    const index = claimOf("recall-b7");
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const entries = rewritten(index, (event) => {
          const proof = fromBase64(String(event.proof));
          const place = at % proof.length;
          proof[place] = (proof[place] ?? 0) ^ bits;
          return renamed({ ...event, proof: toBase64(proof) });
        });
        expect((await refusal(entries, index)).kind).toBe("false-claim");
      }),
      { numRuns: 20 },
    );
  });

  test("names a horizon of later", async () => {
    const index = claimOf("all");
    const entries = [...written];
    const [claim] = entries.splice(index, 1);
    entries.splice(1, 0, claim ?? new Uint8Array());
    expect((await refusal(entries, 1)).why).toMatch(/not published|close/);
  });

  test("is judged by what the log said before it, however far it was read", async () => {
    const [first, last] = [claimOf("all"), EXPECTED.claims.at(-1)?.index ?? -1];
    const size = EXPECTED.closes.at(-1)?.size ?? 0;
    const later = rewritten(first, (e) => withBody(e, { size, voided_at: size }));
    await verifyClaim(await signed(later), bought, last);
    expect((await refusal(later, first)).why).toMatch(/end at a close/);
    const [claim, ...others] = [written[first], ...written.filter((_, i) => i !== first)];
    const early = [others[0], claim, ...others.slice(1)].filter((data) => data !== undefined);
    await verifyClaim(await signed(early), bought, last);
    expect((await refusal(early, 1)).why).toMatch(/not published/);
  });

  test("is made when the policy takes none", async () => {
    const index = claimOf("all");
    const published = written.findIndex((data) => {
      const { policy } = readObject(data);
      return isObject(policy) && policy.id === "all";
    });
    const entries = (changes: JsonObject) =>
      rewritten(published, (event) => ({
        ...event,
        policy: { ...(isObject(event.policy) ? event.policy : {}), ...changes },
      }));
    for (const changes of [{ valid_to: "2026-11-20" }, { valid_from: "2026-11-22" }]) {
      expect((await refusal(entries(changes), index)).why).toMatch(/not valid/);
    }
  });

  test("knows only of voids of long ago", async () => {
    const index = EXPECTED.claims.at(-1)?.index ?? -1;
    const sizes = EXPECTED.closes.map(({ size }) => size);
    const entries = (voided_at: number) => rewritten(index, (e) => withBody(e, { voided_at }));
    expect(sizes[0]).toBeLessThan(sizes.at(-3) ?? 0);
    expect((await refusal(entries(sizes[0] ?? 0), index)).why).toMatch(/that had passed/);
    expect((await refusal(entries((sizes[0] ?? 0) + 1), index)).why).toMatch(/that had passed/);
  });

  test("hides among fewer than the policy promises", async () => {
    const index = claimOf("all");
    const published = written.findIndex((data) => {
      const { policy } = readObject(data);
      return isObject(policy) && policy.id === "all";
    });
    const entries = rewritten(published, (event) => ({
      ...event,
      policy: { ...(isObject(event.policy) ? event.policy : {}), smallest_ring: 64 },
    }));
    expect((await refusal(entries, index)).why).toMatch(/smaller/);
  });
});

describe("a log that says what no log may", () => {
  const index = EXPECTED.claims.at(-1)?.index ?? -1;
  const kinds: [string, (event: JsonObject) => JsonObject][] = [
    ["policy.published", (event) => ({ ...event, number: 7 })],
    ["log.key_rotated", (event) => ({ ...event, signature: "00".repeat(64) })],
    ["log.key_rotated", (event) => ({ ...event, next_vkey: event.vkey ?? "" })],
    ["log.key_retired", (event) => ({ ...event, number: 9 })],
    ["log.declared", (event) => ({ ...event, capacity: 63 })],
    ["log.declared", (event) => ({ ...event, suite: "KVITTO-V01-Shake128_BLS12381" })],
  ];

  test.each(kinds)("%s", async (type, change) => {
    const place = written.findIndex((data) => readObject(data).type === type);
    const evidence = await refusal(rewritten(place, change), index);
    expect(evidence.kind).toBe("false-history");
    expect(evidence.entries[0]?.index).toBe(place);
  });

  test("in another spelling", async () => {
    const entries = [...written];
    entries[5] = Uint8Array.of(...(entries[5] ?? []), 0x20);
    expect((await refusal(entries, index)).kind).toBe("false-history");
  });

  test("and a close without its signatures has no effect", async () => {
    const place = written.findIndex((data) => readObject(data).type === "log.closed");
    const entries = rewritten(place, (event) => ({ ...event, signatures: [] }));
    expect((await refusal(entries, claimOf("all"))).why).toMatch(/close/);
  });

  test("nor has one with another root", async () => {
    const other = (await bought.entries(0, bought.size)).map((entry, i) =>
      i === 5 ? Uint8Array.of(1, ...fromHex(`02${"11".repeat(32)}`)) : entry,
    );
    const shop = served(other, SHOP.name, SHOP);
    const forged = await VerifiedLog.open(shop, [SHOP.vkey], []);
    const log = await signed(written);
    expect(equalBytes(forged.root, bought.root)).toBe(false);
    await expect(verifyClaim(log, forged, claimOf("all"))).rejects.toMatchObject({
      kind: "false-claim",
    });
  });
});

describe("closes of purchases that have not been read", () => {
  const index = EXPECTED.claims.at(-1)?.index ?? -1;

  test("are waited for, and not passed over", async () => {
    const whole = await bought.entries(0, bought.size);
    const shop = (size: number) =>
      VerifiedLog.open(served(whole.slice(0, size), SHOP.name, SHOP), [SHOP.vkey], []);
    const stale = await shop(160);
    const log = await signed(written);
    await expect(verifyClaim(log, stale, index)).rejects.toThrow(Unreachable);
    expect((await verifyClaim(log, await shop(whole.length), index)).index).toBe(index);
    // Nothing came since: whoever signed such a close has lied.
    await expect(verifyClaim(log, await shop(160), index)).rejects.toMatchObject({
      kind: "false-claim",
    });
  });
});

function swapped(tags: JsonObject[string] | undefined): JsonObject[string] {
  return Array.isArray(tags) ? [...tags].reverse() : [];
}

function inAnotherLane(event: JsonObject): JsonObject {
  const { lane } = parseClaim(event.claim).ring;
  return withBody(event, { lane: lane === 0 ? 1 : lane - 1 });
}

function withoutBuyer(event: JsonObject): JsonObject {
  const claim = isObject(event.claim) ? event.claim : {};
  const { buyer: _, ...rest } = claim;
  return renamed({ ...event, claim: rest });
}
