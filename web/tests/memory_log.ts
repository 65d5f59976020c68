// A log in memory that signs whatever it is told, honest or not.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { completeNodes, leafHash, rootOf } from "../src/verify/ledger/merkle.ts";
import { bundlePath, tilePath, tileWidth } from "../src/verify/ledger/tiles.ts";
import { big, concat, toBase64, toHex, utf8 } from "../src/verify/wire.ts";
import { FakeFiles } from "./shop.ts";

/** A key that signs notes. */
export class Signer {
  readonly name: string;
  readonly vkey: string;
  readonly #type: number;
  readonly #secret: Uint8Array;
  readonly #keyId: Uint8Array;

  constructor(name: string, seed: number, type = 1) {
    this.name = name;
    this.#type = type;
    this.#secret = new Uint8Array(32).fill(seed);
    const typed = concat(Uint8Array.of(type), ed25519.getPublicKey(this.#secret));
    this.#keyId = sha256(concat(utf8(`${name}\n`), typed)).slice(0, 4);
    this.vkey = `${name}+${toHex(this.#keyId)}+${toBase64(typed)}`;
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519.sign(message, this.#secret);
  }

  /** The signature line for a note of `text`; of a witness as of `time`. */
  line(text: string, time = 0): string {
    const cosigned = `cosignature/v1\ntime ${time}\n${text}`;
    const signature =
      this.#type === 1 ? this.sign(utf8(text)) : concat(big(time, 8), this.sign(utf8(cosigned)));
    return `— ${this.name} ${toBase64(concat(this.#keyId, signature))}\n`;
  }
}

export const KEY = new Signer("log.example", 1);

export function note(text: string, ...lines: string[]): Uint8Array {
  return utf8(`${text}\n${lines.join("")}`);
}

export function checkpointText(size: number, root: Uint8Array, origin = KEY.name): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** All files of a log with these entries, signed by `KEY`. */
export function served(entries: readonly Uint8Array[], origin = KEY.name, key = KEY): FakeFiles {
  const files = new Map<string, Uint8Array>();
  let hashes = entries.map(leafHash);
  const text = checkpointText(entries.length, rootOf(hashes), origin);
  files.set("checkpoint", note(text, key.line(text)));
  for (let index = 0; tileWidth(0, index, entries.length) > 0; index++) {
    const width = tileWidth(0, index, entries.length);
    const parts = entries.slice(256 * index, 256 * index + width);
    const bundle = parts.flatMap((entry) => [big(entry.length, 2), entry]);
    files.set(bundlePath(index, width), concat(...bundle));
  }
  for (let level = 0; hashes.length > 0; level++) {
    const above: Uint8Array[] = [];
    for (let index = 0; 256 * index < hashes.length; index++) {
      const tile = hashes.slice(256 * index, 256 * (index + 1));
      files.set(tilePath(level, index, tile.length), concat(...tile));
      if (tile.length === 256) {
        above.push(rootOf(tile));
      }
    }
    hashes = above;
  }
  return new FakeFiles("https://log.example", undefined, files);
}

/** Entries that differ, however many. */
export function numbered(count: number, what = "entry"): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`${what} ${i}`));
}

/** The root over entries, made in another way than the tree does. */
export function plainRoot(entries: readonly Uint8Array[]): Uint8Array {
  const [first, ...rest] = completeNodes(0, entries.length).map(({ level, index }) =>
    rootOf(entries.slice(index * 2 ** level, (index + 1) * 2 ** level).map(leafHash)),
  );
  const peaks = first === undefined ? [] : [first, ...rest];
  return peaks.length === 0
    ? sha256(new Uint8Array())
    : peaks.reduceRight((right, left) => sha256(concat(Uint8Array.of(1), left, right)));
}
