// Evidence as somebody else checks it, who has the keys and nothing else.

import { expect } from "vitest";
import type { Evidence } from "../src/verify/errors.ts";
import { parseCheckpoint } from "../src/verify/ledger/checkpoint.ts";
import {
  completeNodes,
  foldPeaks,
  HASH_BYTES,
  inclusionRanges,
  leafHash,
  nodeHash,
  rootOf,
  splitHashes,
} from "../src/verify/ledger/merkle.ts";
import { parseLogKey, parseNote, signersOf } from "../src/verify/ledger/note.ts";
import { decodeBundle } from "../src/verify/ledger/tiles.ts";
import { equalBytes, fromBase64, utf8 } from "../src/verify/wire.ts";

/** The checkpoint of a note that one of the log's keys has signed. */
async function signedHead(note: Uint8Array, vkeys: readonly string[]) {
  const parsed = parseNote(note);
  expect((await signersOf(parsed, vkeys.map(parseLogKey))).length).toBeGreaterThan(0);
  return parseCheckpoint(parsed.text);
}

/** That each entry is in the log that has signed the checkpoint. */
export async function checkEntries(evidence: Evidence): Promise<void> {
  for (const { index, data, proof } of evidence.entries) {
    const [head = "", ...rest] = proof.split("\n\n");
    const [title, place, ...lines] = head.split("\n");
    expect([title, place]).toEqual(["c2sp.org/tlog-proof@v1", `index ${index}`]);
    const { size, root } = await signedHead(utf8(rest.join("\n\n")), evidence.vkeys);
    const ranges = inclusionRanges(index, size);
    expect(lines.length).toBe(ranges.length);
    const found = lines.reduce(
      (node, line, i) => {
        const [start = 0] = ranges[i] ?? [];
        const hash = fromBase64(line, HASH_BYTES);
        return start > index ? nodeHash(node, hash) : nodeHash(hash, node);
      },
      leafHash(fromBase64(data)),
    );
    expect(found).toEqual(root);
  }
}

/** That the first file does not lead to the root that the others do; or no file of the edge. */
export async function checkFiles(evidence: Evidence): Promise<void> {
  const head = await signedHead(fromBase64(evidence.notes.at(-1) ?? ""), evidence.vkeys);
  const files = evidence.files.map(({ path, data }) => ({
    ...place(path),
    data: fromBase64(data),
  }));
  const [accused, ...grounds] = files;
  if (accused === undefined) {
    throw new Error("nothing is accused");
  }
  if (accused.level >= 0 && accused.width < 256) {
    expect(equalBytes(rootOfEdge(files), head.root)).toBe(false);
    return;
  }
  expect(rootOfEdge(grounds)).toEqual(head.root);
  const wanted = (level: number, index: number): Uint8Array => {
    const above = grounds.find(
      (tile) => tile.level === level + 1 && tile.index === Math.floor(index / 256),
    );
    const at = (index % 256) * HASH_BYTES;
    return above?.data.subarray(at, at + HASH_BYTES) ?? new Uint8Array();
  };
  for (const { level, index, width, data } of grounds) {
    if (width === 256) {
      expect(rootOf(splitHashes(data))).toEqual(wanted(level, index));
    }
  }
  const { level, index, width, data } = accused;
  const isPartial = width < 256;
  const proven = isPartial
    ? rootOf(splitHashes(grounds.find((tile) => tile.level === 0)?.data ?? new Uint8Array()))
    : wanted(Math.max(level, 0), index);
  expect(proven.length).toBe(HASH_BYTES);
  expect(equalBytes(rootIn(level, data, width), proven)).toBe(false);
}

interface File {
  level: number;
  index: number;
  width: number;
  data: Uint8Array;
}

function rootOfEdge(files: readonly File[]): Uint8Array {
  const edge = files.filter(({ width }) => width < 256).sort((a, b) => b.level - a.level);
  const peaks = edge.flatMap(({ data }) => {
    const hashes = splitHashes(data);
    return completeNodes(0, hashes.length).map(({ level, index }) =>
      rootOf(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    );
  });
  return foldPeaks(peaks);
}

function rootIn(level: number, data: Uint8Array, width: number): Uint8Array {
  if (level >= 0) {
    return rootOf(splitHashes(data));
  }
  try {
    return rootOf(decodeBundle(data, width).map(leafHash));
  } catch {
    return new Uint8Array();
  }
}

/** Level (-1 for entries), index and width of a tile by its path. */
function place(path: string): { level: number; index: number; width: number } {
  const [, kind = "", ...parts] = path.split("/");
  const partial = parts.at(-2)?.endsWith(".p") ? Number(parts.pop()) : 256;
  const index = Number(parts.join("").replaceAll("x", "").replace(".p", ""));
  return { level: kind === "entries" ? -1 : Number(kind), index, width: partial };
}
