import { beforeEach, describe, expect, test, vi } from "vitest";
import type { RemoteLog, Seen } from "../../src/client.ts";
import type { Merchant } from "../../src/dashboard/documents.ts";
import type * as FiguresModule from "../../src/dashboard/figures.ts";
import type * as TrustModule from "../../src/dashboard/trust.ts";
import type * as VerifiedModule from "../../src/dashboard/verified.ts";
import type * as Errors from "../../src/verify/errors.ts";

const ORIGIN = "ledger.example/acme";
const ACME = {
  id: "acme",
  origin: ORIGIN,
  witnesses: [],
  logs: {
    events: { url: "/logs/acme/events", vkeys: ["old", "new"] },
    purchases: { url: "/logs/acme/purchases", vkeys: ["old", "new"] },
  },
} as unknown as Merchant;

/** What the service shows of a log. */
interface Shown {
  origin: string;
  size: number;
  signers: string[];
}

let trust: typeof TrustModule;
let figures: typeof FiguresModule;
let claims: typeof VerifiedModule;
let errors: typeof Errors;
let shown: Record<string, Shown>;
let opened: { url: string; seen: Seen[] }[];
let stored: Map<string, string>;
let overview: { events: number };
const verifyClaim = vi.fn();
const checkOverview = vi.fn();

function headOf(size: number): Seen {
  return { size, root: `root ${size}`, note: `note ${size}` };
}

function remoteLog({ origin, size, signers }: Shown): RemoteLog {
  const accuse = async (kind: Errors.LieKind, why: string): Promise<Errors.Lie> =>
    new errors.Lie({ kind, why } as Errors.Evidence);
  const close = async (): Promise<undefined> => undefined;
  return { origin, size, signers, seen: headOf(size), accuse, close } as unknown as RemoteLog;
}

async function openLog(url: string, _: string[], __: string[], seen: Seen[]): Promise<RemoteLog> {
  opened.push({ url, seen });
  await new Promise((resolve) => setTimeout(resolve));
  const found = shown[url];
  if (found === undefined) {
    throw new errors.Unreachable("nothing is shown");
  }
  return remoteLog(found);
}

/** A page that is opened anew. */
async function visit(): Promise<void> {
  vi.resetModules();
  errors = await import("../../src/verify/errors.ts");
  vi.doMock("../../src/client.ts", () => ({ ...errors, openLog, verifyClaim, checkOverview }));
  trust = await import("../../src/dashboard/trust.ts");
  figures = await import("../../src/dashboard/figures.ts");
  claims = await import("../../src/dashboard/verified.ts");
}

async function check(name: "events" | "purchases"): Promise<TrustModule.Check> {
  const found = trust.checkOf(ACME, name);
  await vi.waitFor(() => expect(found.value.state).not.toBe("opening"));
  return found.value;
}

function keptSize(): number {
  return JSON.parse(stored.get(`kvitto/seen/${ORIGIN}`) ?? "{}").size;
}

beforeEach(async () => {
  vi.resetAllMocks();
  stored = new Map();
  opened = [];
  shown = {
    "/logs/acme/events": { origin: `${ORIGIN}/events`, size: 30, signers: ["old"] },
    "/logs/acme/purchases": { origin: ORIGIN, size: 100, signers: ["old"] },
  };
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
  });
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(overview)));
  await visit();
});

function showPurchases(changes: Partial<Shown>): void {
  const url = "/logs/acme/purchases";
  shown[url] = { origin: ORIGIN, size: 100, signers: ["old"], ...changes };
}

describe("what was seen before", () => {
  test("is held against what is shown now", async () => {
    await check("purchases");
    expect(opened).toEqual([{ url: "/logs/acme/purchases", seen: [] }]);
    await trust.lookAgain(ACME);
    expect(opened.at(-1)?.seen).toEqual([headOf(100)]);
    await visit();
    await check("purchases");
    expect(opened.at(-1)?.seen).toEqual([headOf(100)]);
  });

  test("in another tab counts as well, and is not forgotten for what is seen in this one", async () => {
    await check("purchases");
    const other = { ...headOf(200), vkeys: ["old"], at: "2026-11-22T10:00:00Z" };
    stored.set(`kvitto/seen/${ORIGIN}`, JSON.stringify(other));
    showPurchases({ size: 150 });
    await trust.lookAgain(ACME);
    expect(opened.at(-1)?.seen).toEqual([headOf(100), headOf(200)]);
    expect(keptSize()).toBe(200);
    showPurchases({ size: 250 });
    await trust.lookAgain(ACME);
    expect(keptSize()).toBe(250);
  });

  test("is looked at once at a time, the purchase log last", async () => {
    await Promise.all([check("events"), check("purchases")]);
    opened = [];
    const looks = [trust.lookAgain(ACME), trust.lookAgain(ACME)];
    await Promise.resolve();
    looks.push(trust.lookAgain(ACME), trust.lookAgain(ACME));
    await Promise.all(looks);
    const names = opened.map(({ url }) => url.replace("/logs/acme/", ""));
    expect(names).toEqual(["events", "purchases", "events", "purchases"]);
  });

  test("was signed by somebody, whoever else is named now", async () => {
    expect(trust.hasNewKeys(await check("purchases"))).toBe(false);
    showPurchases({ signers: ["new"] });
    await visit();
    expect(trust.hasNewKeys(await check("purchases"))).toBe(true);
    await visit();
    expect(trust.hasNewKeys(await check("purchases"))).toBe(false);
  });
});

test("the log of another merchant is not taken for this one's", async () => {
  showPurchases({ origin: "ledger.example/other" });
  expect((await check("purchases")).state).toBe("false");
  expect(trust.lies.value[0]?.lie.kind).toBe("wrong-key");
  expect(keptSize()).toBeUndefined();
});

describe("a claim", () => {
  beforeEach(async () => {
    await Promise.all([check("events"), check("purchases")]);
  });

  test("is the one that was asked for", async () => {
    verifyClaim.mockResolvedValue({ claimId: "aa" });
    expect(await claims.verified(ACME, "aa", 7)).toEqual({ claimId: "aa" });
    await expect(claims.verified(ACME, "bb", 7)).rejects.toMatchObject({ kind: "answer-differs" });
  });

  test("is checked again once both logs have been read anew", async () => {
    opened = [];
    verifyClaim.mockRejectedValueOnce(new errors.Unreachable("read before"));
    verifyClaim.mockResolvedValueOnce({ claimId: "aa" });
    await claims.verified(ACME, "aa", 7);
    expect(opened.length).toBe(2);
    verifyClaim.mockRejectedValue(new errors.Unreachable("read before"));
    await expect(claims.verified(ACME, "aa", 7)).rejects.toThrow("read before");
  });
});

describe("the figures", () => {
  beforeEach(async () => {
    await check("events");
  });

  test.each([29, 31])("of %d events are not those of a log of 30", async (events) => {
    overview = { events };
    await figures.countAgain(ACME);
    expect(figures.recountOf(ACME).value.state).toBe("behind");
    expect(checkOverview).not.toHaveBeenCalled();
  });

  test("are compared once they are of the same events", async () => {
    overview = { events: 30 };
    checkOverview.mockResolvedValue({ events: 30, claims: [] });
    await figures.countAgain(ACME);
    expect(figures.recountOf(ACME).value).toMatchObject({
      state: "same",
      overview: { events: 30 },
    });
  });
});
