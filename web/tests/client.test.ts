// The page's side and the worker's side, with a thread between them that is none.

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, Request } from "../src/calls.ts";
import type * as Client from "../src/client.ts";
import { EXPECTED, HOME } from "./shop.ts";

type Listener = (event: { data: never }) => void;

const SITE = "https://ledger.example";
const { witnesses, vkeys } = EXPECTED;

let client: typeof Client;
let started: string[];

/** What is sent to one side arrives at the other a little later, copied. */
class FakeWorker {
  static page: Listener[] = [];
  static errors: (() => void)[] = [];
  readonly #listeners: Listener[] = [];
  readonly #ready: Promise<unknown>;

  constructor(url: string) {
    started.push(url);
    vi.stubGlobal("addEventListener", (_: string, listener: Listener) => {
      this.#listeners.push(listener);
    });
    vi.stubGlobal("postMessage", (answer: Answer) => send(FakeWorker.page, answer));
    this.#ready = import("../src/worker.ts");
  }

  addEventListener(type: string, listener: Listener): void {
    if (type === "message") {
      FakeWorker.page.push(listener);
    } else {
      FakeWorker.errors.push(listener as () => void);
    }
  }

  /** It stops; the next one knows nothing of what it had opened. */
  static fail(): void {
    vi.resetModules();
    FakeWorker.page = [];
    for (const stop of FakeWorker.errors.splice(0)) {
      stop();
    }
  }

  postMessage(request: Request): void {
    void this.#ready.then(() => send(this.#listeners, request));
  }
}

function send(listeners: readonly Listener[], message: Request | Answer): void {
  const data = structuredClone(message) as never;
  setTimeout(() => {
    for (const listener of listeners) {
      listener({ data });
    }
  });
}

beforeEach(async () => {
  started = [];
  FakeWorker.page = [];
  vi.resetModules();
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("location", { href: `${SITE}/dashboard` });
  vi.stubGlobal("fetch", async (url: string) => {
    const path = url.replace(`${SITE}/logs/acme/`, "");
    try {
      return new Response(readFileSync(new URL(path, HOME)));
    } catch {
      return new Response("", { status: 404 });
    }
  });
  client = await import("../src/client.ts");
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function open(name: "events" | "purchases"): Promise<Client.RemoteLog> {
  return client.openLog(`/logs/acme/${name}`, vkeys[name], witnesses);
}

describe("the page", () => {
  test("has its logs verified, and claims, and numbers", async () => {
    const [events, purchases] = await Promise.all([open("events"), open("purchases")]);
    expect([events.size, purchases.size]).toEqual([EXPECTED.events.size, EXPECTED.purchases.size]);
    const claim = EXPECTED.claims[0];
    const told: number[] = [];
    const onProgress: Client.Progress = (done) => told.push(done);
    const check = await client.verifyClaim(events, purchases, claim?.index ?? -1, { onProgress });
    expect(check.claimId).toBe(claim?.claim_id);
    expect(told.length).toBeGreaterThan(0);
    expect((await client.recount(events)).events).toBe(events.size);
    await events.checkAll();
    expect((await events.entries(0, 2))[1]).toEqual(await events.entry(1));
    expect(started.length).toBe(1);
  });

  test("is told of lies, with the evidence", async () => {
    const events = await open("events");
    const error = await client
      .checkOverview(events, { events: 3, purchases: 0 })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(client.Lie);
    expect(error).toMatchObject({
      kind: "overview-differs",
      evidence: { notes: [events.seen.note] },
    });
  });

  test("is told of silence, and of what makes no sense", async () => {
    const gone = client.openLog("/logs/none/events", vkeys.events, []);
    await expect(gone).rejects.toThrow(client.Unreachable);
    const events = await open("events");
    await expect(events.entry(10_000)).rejects.toThrow(client.FormatError);
    await events.close();
    await expect(events.entry(0)).rejects.toThrow("no such log is open");
  });

  test("can change its mind", async () => {
    const [events, purchases] = await Promise.all([open("events"), open("purchases")]);
    const controller = new AbortController();
    const last = EXPECTED.claims.at(-1)?.index ?? -1;
    const checking = client.verifyClaim(events, purchases, last, { signal: controller.signal });
    controller.abort();
    await expect(checking).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    const late = client.recount(events, { signal: AbortSignal.abort() });
    await expect(late).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect((await client.verifyClaim(events, purchases, last)).index).toBe(last);
  });

  test("is not given another log by a worker that has begun anew", async () => {
    const events = await open("events");
    FakeWorker.fail();
    await expect(events.entry(0)).rejects.toThrow("no such log is open");
    const purchases = await open("purchases");
    await expect(events.entry(0)).rejects.toThrow("no such log is open");
    expect((await purchases.entry(0)).length).toBe(34);
    expect(started.length).toBe(2);
  });

  test("starts the worker by a trusted type, and nothing else", async () => {
    const made: string[] = [];
    const createPolicy = (name: string, rules: { createScriptURL(url: string): string }) => {
      made.push(name, rules.createScriptURL("https://elsewhere.example/x.js"));
      return rules;
    };
    vi.stubGlobal("trustedTypes", { createPolicy });
    await open("events");
    expect(made).toEqual(["kvitto-worker", ""]);
    expect(started[0]).toContain("worker");
  });
});

describe("without WebCrypto", () => {
  test("signatures are verified all the same", async () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const events = await open("events");
    expect(events.cosignatures.length).toBe(3);
    const forged = client.openLog("/logs/acme/events", [vkeys.purchases[0] ?? ""], []);
    await expect(forged).rejects.toMatchObject({ kind: "wrong-key" });
  });
});
