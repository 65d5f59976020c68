import { beforeEach, expect, test, vi } from "vitest";
import { openLog, type Seen } from "../../src/client.ts";
import type { Merchant } from "../../src/dashboard/documents.ts";
import { checkOf, lookAgain } from "../../src/dashboard/trust.ts";

vi.mock("../../src/client.ts", () => ({ Lie: class extends Error {}, openLog: vi.fn() }));

const place = { url: "/logs/acme/events", vkeys: ["acme+1+k"] };
const KEPT = "kvitto/seen/shop/acme/events";
const stored = new Map<string, string>();

const merchant = {
  id: "acme",
  origin: "shop/acme",
  logs: { events: place, purchases: place },
  witnesses: [],
} as unknown as Merchant;

function head(size: number): Seen {
  return { size, root: "cm9vdA==", note: `note of ${size}` };
}

/** What each look was told to continue. */
function continued(): (number | undefined)[] {
  return vi.mocked(openLog).mock.calls.map(([, , , seen]) => seen?.size);
}

beforeEach(() => {
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
  });
});

test("a log must continue what any tab of this browser has seen of it", async () => {
  const opened = { seen: head(5), close: async () => undefined };
  vi.mocked(openLog).mockResolvedValue(opened as never);
  const check = checkOf(merchant, "events");
  await vi.waitFor(() => expect(check.value.state).toBe("checked"));
  const other = { ...head(9), vkeys: place.vkeys, at: "2026-11-22T12:00:00Z" };
  stored.set(KEPT, JSON.stringify(other));
  await lookAgain(merchant);
  expect(continued()).toEqual([undefined, 9]);
  expect(JSON.parse(stored.get(KEPT) ?? "")).toMatchObject({ size: 9 });
});
