import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Histories } from "../src/verify/aftersales/histories.ts";
import { canonicalJson, isObject, type JsonObject } from "../src/verify/json.ts";
import { parseEvent } from "../src/verify/ledger/events.ts";
import { claimId, parseClaim } from "../src/verify/policies/claim.ts";
import { fromBase64 } from "../src/verify/wire.ts";

const FILE = new URL("../../tests/vectors/overview/all-are-answered.json", import.meta.url);
const { events } = JSON.parse(readFileSync(FILE, "utf8")) as { events: JsonObject[] };
const ORIGIN = "ledger.example/acme";

async function read(all: readonly JsonObject[]): Promise<Histories> {
  const histories = new Histories(ORIGIN);
  for (const [index, event] of all.entries()) {
    await histories.read(index, parseEvent(canonicalJson(event)));
  }
  return histories;
}

/** The events with one of these steps changed. */
function changed(step: string, changes: JsonObject): JsonObject[] {
  const place = events.findIndex((event) => event.step === step);
  return events.map((event, i) => (i === place ? { ...event, ...changes } : event));
}

/** Another claim with the tags of one that is there, right behind it or at the end. */
function twice(of: (event: JsonObject) => boolean, atEnd: boolean): JsonObject[] {
  const place = events.findIndex((event) => event.type === "claim.decided" && of(event));
  const event = events[place] ?? {};
  const claim = { ...(isObject(event.claim) ? event.claim : {}), nonce: "11".repeat(16) };
  const id = claimId(parseClaim(claim), fromBase64(String(event.proof)));
  const copy = { ...event, claim, claim_id: id };
  return atEnd ? [...events, copy] : [...events.slice(0, place + 1), copy];
}

describe("what became of claims", () => {
  test("is folded from the log", async () => {
    const states = [...(await read(events)).claims.values()].map((history) => history.case.state);
    expect(new Set(states)).toEqual(
      new Set(["approved", "canceled", "completed", "declined", "in_process"]),
    );
  });

  test.each<[string, JsonObject]>([
    ["approve", { number: 7 }],
    ["approve", { resolution: "store_credit" }],
    ["approve", { share: 50 }],
    ["approve", { by: "buyer" }],
    ["approve", { more: 1 }],
    ["decline", { reason: "no" }],
    ["ask", { wants: [] }],
    ["ask", { wants: ["video", "photo"] }],
    ["withdraw", { signature: "00".repeat(64) }],
    ["withdraw", { attachments: ["00".repeat(32)] }],
    ["withdraw", { step: "accept" }],
    ["complete", { step: "start", number: 0 }],
    ["start", { claim_id: "00".repeat(32) }],
  ])("no honest service logs %s with %j", async (step, changes) => {
    expect(events.some((event) => event.step === step)).toBe(true);
    await expect(read(changed(step, changes))).rejects.toThrow();
  });

  test("a slot is used once, until the claim comes to nothing", async () => {
    const histories = await read(events);
    const stateOf = (event: JsonObject) =>
      histories.claims.get(String(event.claim_id))?.case.state ?? "";
    const kept = (event: JsonObject) => !["declined", "canceled"].includes(stateOf(event));
    await expect(read(twice(kept, false))).rejects.toThrow("two claims use one slot");
    await expect(read(twice(kept, true))).rejects.toThrow("two claims use one slot");
    const freed = (event: JsonObject) => stateOf(event) === "canceled";
    expect((await read(twice(freed, true))).claims.size).toBe(histories.claims.size + 1);
    const again = [...events, ...events.filter((event) => event.type === "claim.decided")];
    await expect(read(again)).rejects.toThrow("a second time");
  });
});
