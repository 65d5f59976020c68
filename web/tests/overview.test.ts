import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../src/verify/json.ts";
import { canonicalJson, parseCanonical } from "../src/verify/json.ts";
import { parseDeclaration, parseEvent } from "../src/verify/ledger/events.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { checkOverview, OverviewFold, recount } from "../src/verify/overview.ts";
import { Signer, served } from "./memory_log.ts";
import { EXPECTED, events } from "./shop.ts";

const FOLDER = new URL("../../tests/vectors/overview/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

interface Vector {
  events: JsonObject[];
  overview: JsonObject;
}

function load(name: string): Vector {
  return JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Vector;
}

async function counted(events: readonly JsonObject[], purchases: Json): Promise<JsonObject> {
  const [first, ...rest] = events.map((event) => parseEvent(canonicalJson(event)));
  if (first === undefined) {
    throw new Error("no events");
  }
  const fold = new OverviewFold(parseDeclaration(first));
  for (const event of [first, ...rest]) {
    await fold.read(event);
  }
  return { ...fold.overview(), purchases };
}

function readObject(data: Uint8Array): JsonObject {
  return parseCanonical(data) as JsonObject;
}

describe("what the service counts", () => {
  test("is there", () => {
    expect(NAMES.length).toBeGreaterThan(2);
  });

  test.each(NAMES)("%s", async (name) => {
    const { events, overview } = load(name);
    expect(await counted(events, overview.purchases ?? null)).toEqual(overview);
  });
});

describe("a log that was opened", () => {
  const open = () => VerifiedLog.open(events(), EXPECTED.vkeys.events, EXPECTED.witnesses);

  test("is counted whole", async () => {
    const found = await recount(await open());
    const states = Object.values(EXPECTED.states);
    const total = new Map<string, number>();
    for (const { state, count } of found.claims) {
      total.set(state, (total.get(state) ?? 0) + count);
    }
    for (const state of new Set(states)) {
      expect(total.get(state)).toBe(states.filter((each) => each === state).length);
    }
    expect(found.events).toBe(EXPECTED.events.size);
    expect(found.responses.length).toBeGreaterThan(1);
    expect(found.voids).toEqual([
      { day: expect.any(String), reason: "duplicate", count: 1 },
      { day: expect.any(String), reason: "returned", count: 3 },
    ]);
  });

  test("is what the service says, or the service lies", async () => {
    const log = await open();
    const found = await recount(log);
    const served = { ...found, purchases: 12 };
    expect(await checkOverview(log, served)).toEqual(found);
    const [claim, ...others] = served.claims;
    if (claim === undefined) {
      throw new Error("no claims were counted");
    }
    const lies = [
      { ...served, claims: others },
      { ...served, claims: [{ ...claim, count: claim.count + 1 }, ...others] },
      { ...served, at: "2026-11-21T12:00:00Z" },
      { ...served, more: [] },
      { ...served, events: served.events - 1 },
    ];
    for (const lie of lies) {
      await expect(checkOverview(log, lie)).rejects.toMatchObject({ kind: "overview-differs" });
    }
    expect(await checkOverview(log, served)).toEqual(found);
  });

  test("is signed by a key that its later events name, too", async () => {
    const log = await open();
    const entries = await log.entries(0, log.size);
    const other = new Signer(`${EXPECTED.origin}/events`, 9);
    const files = served(entries, other.name, other);
    const forged = await VerifiedLog.open(files, [other.vkey], []);
    await expect(recount(forged)).rejects.toMatchObject({ kind: "wrong-key" });
    const few = await counted(entries.slice(0, 12).map(readObject), 3);
    expect(await checkOverview(log, few)).toMatchObject({ events: 12 });
    await expect(checkOverview(forged, few)).rejects.toMatchObject({ kind: "wrong-key" });
  });

  test("cannot be compared with more than it has", async () => {
    const log = await open();
    await expect(checkOverview(log, { events: log.size + 1 })).rejects.toThrow("no such entries");
    await expect(checkOverview(log, null)).rejects.toThrow("not an overview");
  });
});
