import { expect, test } from "vitest";
import type { RemoteLog } from "../../src/client.ts";
import type { LogEvent } from "../../src/dashboard/documents.ts";
import { requireShown } from "../../src/dashboard/shown.ts";
import { canonicalJson, type Json } from "../../src/verify/json.ts";

const EVENTS = ["aa", "bb"].map((claim_id) => {
  return { type: "claim.step", time: "2026-11-21T08:00:00Z", claim_id };
}) as unknown as LogEvent[];

const LOG = {
  size: EVENTS.length,
  entry: async (index: number) => canonicalJson(EVENTS[index] as unknown as Json),
  accuse: async (kind: string, why: string) => new Error(`${kind}: ${why}`),
} as unknown as RemoteLog;

const at = (index: number, event = EVENTS[index] as LogEvent) => ({ index, event });

test("what is shown is in the log", async () => {
  expect(await requireShown(LOG, [at(0), at(1)], {})).toBe(true);
  expect(await requireShown(LOG, [at(0), at(2, EVENTS[0])], {})).toBe(false);
  const other = at(1, EVENTS[0]);
  await expect(requireShown(LOG, [at(0), other], {})).rejects.toThrow("another event 1");
});

test("and is what was asked for", async () => {
  expect(await requireShown(LOG, [at(0)], { claim_id: "aa" })).toBe(true);
  await expect(requireShown(LOG, [at(0), at(1)], { claim_id: "aa" })).rejects.toThrow("claim_id");
  await expect(requireShown(LOG, [at(0)], { month: "2026-11" })).rejects.toThrow("month");
});
