import { afterEach, expect, test, vi } from "vitest";
import { ask, Unanswered, Unread } from "../../src/dashboard/service.ts";

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: unknown, headers: Record<string, string> = {}): void {
  const answer = async (): Promise<Response> =>
    new Response(JSON.stringify(body), { status, headers });
  vi.stubGlobal("fetch", answer);
}

test("a service that still reads says how far it is", async () => {
  answering(503, { detail: "1200 of 31000 entries are read" }, { "Retry-After": "1" });
  const problem = await ask("/").catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(Unread);
  expect(problem).toMatchObject({ done: 1200, total: 31_000, seconds: 1 });
});

test("other refusals are refusals", async () => {
  for (const [detail, headers] of [
    ["the logs are larger than this service reads", {}],
    ["1200 of 31000 entries are read", {}],
    ["the queue is full", { "Retry-After": "1" }],
  ] as const) {
    answering(503, { detail }, headers);
    const problem = await ask("/").catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Unanswered);
    expect(problem).not.toBeInstanceOf(Unread);
  }
  answering(200, { events: 7 });
  expect(await ask("/")).toEqual({ events: 7 });
});
