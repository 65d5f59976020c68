import { describe, expect, test } from "vitest";
import type { JsonObject } from "../src/verify/json.ts";
import { Succession } from "../src/verify/ledger/handover.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { parseLogKey, parseVkey } from "../src/verify/ledger/note.ts";
import { recount } from "../src/verify/overview.ts";
import { concat, lp, toBase64, utf8 } from "../src/verify/wire.ts";
import { Signer, served } from "./memory_log.ts";
import { EXPECTED, events } from "./shop.ts";

const [first, second, third] = [1, 2, 3].map((seed) => new Signer("seed.example", seed)) as [
  Signer,
  Signer,
  Signer,
];

function handover(old: Signer, next: Signer): JsonObject {
  const names = [old, next].map(({ vkey }) => lp(utf8(vkey)));
  const message = concat(utf8("kvitto-witness-rotation/v1"), ...names);
  return {
    vkey: old.vkey,
    next_vkey: next.vkey,
    signature: toBase64(old.sign(message)),
    next_signature: toBase64(next.sign(message)),
  };
}

describe("keys of witnesses", () => {
  test("follow each other", async () => {
    const known = new Succession();
    const key = parseLogKey(first.vkey);
    expect(known.newest(key)).toBe(key);
    await known.add(handover(first, second));
    await known.add(handover(second, third));
    expect(known.newest(key).vkey).toBe(third.vkey);
    expect(known.newest(parseLogKey(second.vkey)).vkey).toBe(third.vkey);
  });

  test.each<[string, Signer, Signer, JsonObject]>([
    ["the old key has not signed", first, second, { signature: toBase64(new Uint8Array(64)) }],
    ["the new key has not signed", first, second, { next_signature: toBase64(new Uint8Array(64)) }],
    ["the name is another", first, new Signer("other.example", 2), {}],
    ["the kind is another", first, new Signer("seed.example", 2, 4), {}],
    ["it is its own successor", first, first, {}],
    ["a member is missing", first, second, { next_vkey: null }],
  ])("do not, where %s", async (_, old, next, changes) => {
    await expect(new Succession().add({ ...handover(old, next), ...changes })).rejects.toThrow();
  });

  test("have one successor, and never an old one", async () => {
    const known = new Succession();
    await known.add(handover(first, second));
    await expect(known.add(handover(first, third))).rejects.toThrow("two successors");
    await expect(known.add(handover(second, first))).rejects.toThrow("no new key");
  });
});

describe("keys of logs", () => {
  test("have one spelling", () => {
    const { vkey, name } = parseVkey(first.vkey);
    expect([vkey, name]).toEqual([first.vkey, "seed.example"]);
    const [, id = "", rest = ""] = first.vkey.split("+");
    for (const bad of ["", name, `${name}+${id}`, `${name}x+${id}+${rest}`, `a b+${id}+${rest}`]) {
      expect(() => parseVkey(bad)).toThrow();
    }
    expect(() => parseLogKey(new Signer(name, 1, 4).vkey)).toThrow("not an Ed25519 key of a log");
  });

  test("must be those that the log itself tells", async () => {
    const log = await VerifiedLog.open(events(), EXPECTED.vkeys.events, []);
    expect((await recount(log)).events).toBe(log.size);
    const stranger = new Signer(`${EXPECTED.origin}/events`, 7);
    const copy = served(await log.entries(0, log.size), stranger.name, stranger);
    const forged = await VerifiedLog.open(copy, [stranger.vkey], []);
    await expect(recount(forged)).rejects.toMatchObject({ kind: "wrong-key" });
  });
});
