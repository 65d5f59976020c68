import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NotServed, Unreachable } from "../src/verify/errors.ts";
import { LogSite } from "../src/verify/ledger/files.ts";

let asked: [url: string, options: RequestInit][];
let answers: (() => Response)[];

beforeEach(() => {
  asked = [];
  answers = [];
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (url: string, options: RequestInit) => {
    asked.push([url, options]);
    const answer = answers.shift();
    if (answer === undefined) {
      throw new TypeError("no network");
    }
    return answer();
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const bytes = (text: string) => () => new Response(text);
const status = (code: number, headers: Record<string, string> = {}) => {
  return () => new Response("", { status: code, headers });
};

async function read(path = "tile/0/000", limit = 10): Promise<Uint8Array> {
  const reading = new LogSite("https://log.example/acme/").read(path, limit);
  reading.catch(() => undefined);
  await vi.runAllTimersAsync();
  return reading;
}

describe("a file of a log", () => {
  test("is asked for without cookies, below the address", async () => {
    answers = [bytes("hello"), bytes("hello")];
    expect(new TextDecoder().decode(await read())).toBe("hello");
    await read("checkpoint");
    expect(asked.map(([url, { cache }]) => [url, cache])).toEqual([
      ["https://log.example/acme/tile/0/000", "default"],
      ["https://log.example/acme/checkpoint", "no-store"],
    ]);
    expect(asked[0]?.[1]).toMatchObject({ credentials: "omit", redirect: "error" });
  });

  test("that is not there, is too long, or does not come", async () => {
    answers = [status(404), bytes("eleven bytes"), status(500)];
    await expect(read()).rejects.toThrow(NotServed);
    await expect(read()).rejects.toThrow("too long");
    await expect(read()).rejects.toThrow(Unreachable);
    await expect(read()).rejects.toThrow("no answer");
  });

  test("is asked for again when the service is busy, and not for ever", async () => {
    answers = [status(429, { "Retry-After": "3" }), status(503), bytes("there")];
    const start = Date.now();
    expect((await read()).length).toBe(5);
    expect(Date.now() - start).toBeGreaterThanOrEqual(4000);
    answers = Array.from({ length: 5 }, () => status(429, { "Retry-After": "9999" }));
    await expect(read()).rejects.toThrow("busy");
    expect(answers.length).toBe(1);
  });
});
