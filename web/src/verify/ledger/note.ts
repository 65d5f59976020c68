// Signed notes (c2sp signed-note): a text and signatures over it that people can read.

import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError, VerificationError } from "../errors.ts";
import {
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from "../wire.ts";
import { isSigned } from "./ed25519.ts";

export const LONGEST_NOTE = 128 * 1024;
export const ED25519_KEY = 1; // the type of a log's key
const MOST_SIGNATURES = 64;
const KEY_ID_BYTES = 4;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const NAME = /^[^\s\u0085+]+$/;
const SIGNATURE_LINE = /^— ([^\s\u0085+]+) ([A-Za-z0-9+/=]+)$/u;

/** One signature line; what the bytes are depends on the type of the key. */
export interface Signature {
  name: string;
  keyId: Uint8Array;
  signature: Uint8Array;
}

/** A text that ends in a newline, and its signatures. Nothing in it is verified. */
export interface Note {
  text: string;
  signatures: Signature[];
}

/** A public key under a name; its type says what its signatures are. */
export interface Key {
  name: string;
  type: number;
  publicKey: Uint8Array;
  keyId: Uint8Array;
  vkey: string;
}

/** Read a note; the *last* empty line splits it. */
export function parseNote(data: Uint8Array): Note {
  if (data.length > LONGEST_NOTE) {
    throw new FormatError("the note is too long");
  }
  const whole = fromUtf8(data);
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || CONTROL.test(whole) || !whole.endsWith("\n")) {
    throw new FormatError("not a text, an empty line and signature lines");
  }
  const lines = whole.slice(split + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) {
    throw new FormatError("too many signatures");
  }
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const match = SIGNATURE_LINE.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new FormatError("not a signature line");
  }
  const data = fromBase64(match[2]);
  if (data.length <= KEY_ID_BYTES) {
    throw new FormatError("a signature line without a signature");
  }
  return {
    name: match[1],
    keyId: data.subarray(0, KEY_ID_BYTES),
    signature: data.subarray(KEY_ID_BYTES),
  };
}

/** Read `name+hex key id+base64 key`; `FormatError` for a false id. */
export function parseVkey(vkey: string): Key {
  const [name = "", id = "", ...rest] = vkey.split("+");
  const typed = fromBase64(rest.join("+"));
  const [type] = typed;
  if (type === undefined || !NAME.test(name) || CONTROL.test(name)) {
    throw new FormatError("not a key");
  }
  const keyId = sha256(concat(utf8(`${name}\n`), typed)).subarray(0, KEY_ID_BYTES);
  if (!equalBytes(fromHex(id, KEY_ID_BYTES), keyId)) {
    throw new FormatError("the key id is not that of the key");
  }
  const canonical = `${name}+${toHex(keyId)}+${toBase64(typed)}`;
  return { name, type, publicKey: typed.subarray(1), keyId, vkey: canonical };
}

/** Read the key of a log; `FormatError` for another type. */
export function parseLogKey(vkey: string): Key {
  const key = parseVkey(vkey);
  if (key.type !== ED25519_KEY || key.publicKey.length !== 32) {
    throw new FormatError("not an Ed25519 key of a log");
  }
  return key;
}

export function isBy(signature: Signature, key: Key): boolean {
  return signature.name === key.name && equalBytes(signature.keyId, key.keyId);
}

/** Which of `keys` have signed the note. One false signature by a known key rejects it. */
export async function signersOf(note: Note, keys: readonly Key[]): Promise<Key[]> {
  const signed = new Set<Key>();
  for (const signature of note.signatures) {
    const key = keys.find((known) => isBy(signature, known));
    if (key === undefined) {
      continue;
    }
    if (!(await isSigned(key.publicKey, utf8(note.text), signature.signature))) {
      throw new VerificationError("a signature of the log's key does not hold");
    }
    signed.add(key);
  }
  return [...signed];
}
