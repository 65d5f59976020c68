import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lie, type LieKind, Unreachable } from "../src/verify/errors.ts";
import { VerifiedLog } from "../src/verify/ledger/log.ts";
import { verifyConsistency } from "../src/verify/ledger/merkle.ts";
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from "../src/verify/wire.ts";
import { checkEntries, checkFiles } from "./evidence.ts";
import { checkpointText, KEY, note, numbered, plainRoot, Signer, served } from "./memory_log.ts";
import { EXPECTED, events, type FakeFiles, purchases } from "./shop.ts";

const OPTIONS = { numRuns: 40 };

function open(files: FakeFiles, ...seen: VerifiedLog["seen"][]): Promise<VerifiedLog> {
  return VerifiedLog.open(files, [KEY.vkey], [], seen);
}

async function lie(doing: Promise<unknown>): Promise<Lie> {
  try {
    await doing;
  } catch (error) {
    if (error instanceof Lie) {
      return error;
    }
    throw error;
  }
  throw new Error("nobody was caught lying");
}

async function kindOf(doing: Promise<unknown>): Promise<LieKind> {
  return (await lie(doing)).kind;
}

describe("the log that the service exported", () => {
  test.each(["events", "purchases"] as const)("%s", async (name) => {
    const files = name === "events" ? events() : purchases();
    const log = await VerifiedLog.open(files, EXPECTED.vkeys[name], EXPECTED.witnesses);
    expect(log.size).toBe(EXPECTED[name].size);
    expect(toHex(log.root)).toBe(EXPECTED[name].root);
    expect(log.cosignatures.map(({ name, time }) => [name, time])).toEqual([
      ["witness.example/w1", 1_795_000_000],
      ["witness.example/w2", 1_795_000_001],
      ["witness.example/w3", 1_795_000_002], // ML-DSA
    ]);
    let done = 0;
    await log.checkAll((now) => {
      done = now;
    });
    expect(done).toBe(log.size);
  });
});

describe("a log of any size", () => {
  test("shows its entries, and what it was before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 700 }), fc.nat(), async (size, at) => {
        const entries = numbered(size);
        const log = await open(served(entries));
        expect(log.root).toEqual(plainRoot(entries));
        const smaller = at % (size + 1);
        expect(await log.rootAt(smaller)).toEqual(plainRoot(entries.slice(0, smaller)));
        expect(await log.entries(smaller, size)).toEqual(entries.slice(smaller));
        if (smaller < size) {
          expect(await log.entry(smaller)).toEqual(entries[smaller]);
        }
        const before = await open(served(entries.slice(0, smaller)));
        expect((await open(served(entries), before.seen)).size).toBe(size);
      }),
      OPTIONS,
    );
  });

  test("of three levels of tiles", async () => {
    const entries = numbered(256 * 256 + 300);
    const log = await open(served(entries));
    for (const index of [0, 255, 256, 65_535, 65_536, 65_835]) {
      expect(await log.entry(index)).toEqual(entries[index]);
    }
    expect(await log.rootAt(65_537)).toEqual(plainRoot(entries.slice(0, 65_537)));
    await expect(log.entry(65_836)).rejects.toThrow("no such entry");
  });

  test("may have let go of partial tiles", async () => {
    const before = served(numbered(300));
    let files = served(numbered(600));
    for (const kept of ["checkpoint", "tile/1/000.p/1"]) {
      files = files.with(kept, await before.read(kept, 1e6));
    }
    const log = await open(files);
    expect(log.size).toBe(300);
    expect(fromUtf8(await log.entry(299))).toBe("entry 299");
  });
});

describe("a server that lies", () => {
  const entries = numbered(600);
  const honest = served(entries);

  test("with any byte of any file changed, is caught as soon as it is read", async () => {
    const paths = [
      "checkpoint",
      ...["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"],
      ...["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"],
    ];
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, bits) => {
          const files = honest.changed(path, (data) => {
            const place = at % data.length;
            data[place] = (data[place] ?? 0) ^ bits;
            return data;
          });
          const reading = async (): Promise<void> => {
            const log = await open(files);
            await Promise.all([log.rootAt(255), log.rootAt(511)]); // look into all tiles
            await log.checkAll();
          };
          const { kind, evidence } = await lie(reading());
          kinds.add(kind);
          if (evidence.files.length > 1) {
            await checkFiles(evidence);
          }
        },
      ),
      { numRuns: 150 },
    );
    kinds.delete("wrong-key"); // where the name or the id of the key was hit
    expect(kinds).toEqual(new Set(["forged-checkpoint", "false-tile", "false-entry"]));
  });

  test("deep in the tree, is shown with all tiles above", async () => {
    const large = served(numbered(256 * 256 + 300));
    for (const [path, index] of [
      ["tile/0/007", 1_800],
      ["tile/1/000", 300],
      ["tile/entries/255", 65_535],
      ["tile/entries/257.p/44", 65_800],
    ] as const) {
      const log = await open(large.changed(path, (data) => data.fill(7, 40, 50)));
      const { evidence } = await lie(Promise.all([log.entry(index), log.rootAt(index)]));
      expect(evidence.files[0]?.path).toBe(path);
      await checkFiles(evidence);
    }
  });

  test("with less or more than a file has", async () => {
    for (const path of ["tile/0/002.p/88", "tile/1/000.p/2"]) {
      expect(await kindOf(open(honest.changed(path, (data) => data.slice(32))))).toBe("false-tile");
    }
    const doubled = honest.changed("tile/entries/000", (data) => utf8(toBase64(data)));
    const log = await open(doubled);
    expect(await kindOf(log.entry(0))).toBe("false-entry");
    expect(await kindOf(log.checkAll())).toBe("false-entry");
    expect(await log.entry(599)).toEqual(entries[599]);
  });

  test("with the key of somebody else", async () => {
    const other = new Signer(KEY.name, 2);
    const foreign = served(entries, KEY.name, other);
    expect(await kindOf(open(foreign))).toBe("wrong-key");
    expect(await kindOf(open(served(entries, "other.example")))).toBe("wrong-key");
  });

  test("with what is no checkpoint", async () => {
    const page = honest.with("checkpoint", utf8("<!doctype html>\n"));
    expect(await kindOf(open(page))).toBe("forged-checkpoint");
    const text = `${checkpointText(600, plainRoot(entries))}more\n`;
    expect(await kindOf(open(honest.with("checkpoint", note(text, KEY.line(text)))))).toBe(
      "forged-checkpoint",
    );
  });

  test("with a root that no empty log has", async () => {
    const text = checkpointText(0, plainRoot(numbered(1)));
    expect(await kindOf(open(honest.with("checkpoint", note(text, KEY.line(text)))))).toBe(
      "forged-checkpoint",
    );
  });

  test("about a witness", async () => {
    const witness = new Signer("witness.example", 3, 4);
    const text = checkpointText(600, plainRoot(entries));
    const cosigned = (line: string): FakeFiles =>
      honest.with("checkpoint", note(text, KEY.line(text), line));
    const opening = (line: string): Promise<VerifiedLog> =>
      VerifiedLog.open(cosigned(line), [KEY.vkey], [witness.vkey]);
    expect((await opening(witness.line(text, 7))).cosignatures).toMatchObject([
      { name: "witness.example", time: 7 },
    ]);
    expect(await kindOf(opening(witness.line(`${text}x\n`, 7)))).toBe("false-cosignature");
    expect((await opening(new Signer("stranger.example", 4, 4).line(text))).cosignatures).toEqual(
      [],
    );
  });

  test("is not one that does not answer", async () => {
    const log = await open(honest);
    expect(log.size).toBe(600);
    const gone = served([]).with("checkpoint", await honest.read("checkpoint", 1e6));
    await expect(open(gone)).rejects.toThrow(Unreachable);
  });
});

test("what a log is accused of is shown to be in it", async () => {
  const log = await open(served(numbered(700)));
  const { evidence } = await log.accuse("false-history", "why not", [0, 255, 256, 699]);
  expect(evidence.entries.map(({ index }) => index)).toEqual([0, 255, 256, 699]);
  await checkEntries(evidence);
});

describe("a log that forks", () => {
  const before = numbered(300);
  const other = [...before.slice(0, 299), utf8("another last entry")];

  test.each([
    ["at the same size", other],
    ["and goes on", [...other, ...numbered(400, "later")]],
    ["and is smaller now, but still serves what it hides", numbered(290, "others")],
  ])("%s", async (_, after) => {
    const seen = (await open(served(before))).seen;
    let files = served(after);
    if (after.length < before.length) {
      files = served(before).with("checkpoint", await files.read("checkpoint", 1e6));
    }
    const caught = await lie(open(files, seen));
    expect(caught.kind).toBe("fork");
    expect(caught.evidence.notes).toEqual([
      seen.note,
      toBase64(await files.read("checkpoint", 1e6)),
    ]);
    checkFork(caught);
  });

  test("is caught by each head that was seen", async () => {
    const [one, two] = [(await open(served(before))).seen, (await open(served(other))).seen];
    const now = served([...before, ...numbered(9, "later")]);
    expect((await open(now, one, (await open(served(before.slice(0, 7)))).seen)).size).toBe(309);
    expect(await kindOf(open(now, one, two))).toBe("fork");
    expect(await kindOf(open(now, two, one))).toBe("fork");
    expect(await kindOf(open(served(before), one, (await open(now)).seen))).toBe("shrunk");
  });

  test("or hides what it showed", async () => {
    const seen = (await open(served(before))).seen;
    const older = served(before.slice(0, 200));
    expect(await kindOf(open(older, seen))).toBe("shrunk");
    const hiding = served(before).with("checkpoint", await older.read("checkpoint", 1e6));
    expect(await kindOf(open(hiding, seen))).toBe("shrunk");
  });
});

/** As `kvitto log verify-fork` does, without the signatures. */
function checkFork(caught: Lie): void {
  const text = fromUtf8(fromBase64(caught.evidence.fork ?? ""));
  const [head = "", small = "", , large = ""] = text.split("\n\n");
  const [title, root = "", ...proof] = head.split("\n");
  expect(title).toBe("kvitto-fork/v1");
  const [smaller, larger] = [small, large].map((note) => {
    const [, size = "", hash = ""] = note.replace(/^\n/, "").split("\n");
    return { size: Number(size), root: fromBase64(hash) };
  });
  if (smaller === undefined || larger === undefined) {
    throw new Error("not two notes");
  }
  const was = fromBase64(root.slice("root ".length));
  expect(was).not.toEqual(smaller.root);
  const hashes = proof.map((line) => fromBase64(line));
  verifyConsistency(smaller.size, was, larger.size, larger.root, hashes);
}
