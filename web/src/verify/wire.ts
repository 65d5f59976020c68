// Encodings of bytes, numbers and names. Each value has one encoding; every other is refused.
// protocol.md 2 and 3.

import { FormatError } from "./errors.ts";

const HEX = /^(?:[0-9a-f]{2})*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DECIMAL = /^(?:0|[1-9][0-9]*)$/;
const IDENTIFIER = /^[A-Za-z0-9._/-]+$/;
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function fromHex(text: string, size?: number): Uint8Array {
  if (!HEX.test(text) || (size !== undefined && text.length !== 2 * size)) {
    throw new FormatError("not lower-case hex of the right length");
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += DIGITS[byte];
  }
  return text;
}

/** Canonical standard base64: padding present, unused bits zero, no other character. */
export function fromBase64(text: string, size?: number): Uint8Array {
  if (!BASE64.test(text)) {
    throw new FormatError("not base64");
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (toBase64(bytes) !== text) {
    throw new FormatError("not canonical base64");
  }
  if (size !== undefined && bytes.length !== size) {
    throw new FormatError(`not ${size} bytes of base64`);
  }
  return bytes;
}

export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += 4096) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 4096)));
  }
  return btoa(parts.join(""));
}

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Text of UTF-8 bytes; `FormatError` for bytes that are not. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new FormatError("not UTF-8");
  }
}

/** An unsigned decimal without sign, space or leading zero, below 2^53. */
export function parseDecimal(text: string): number {
  if (!DECIMAL.test(text) || text.length > 16 || !Number.isSafeInteger(Number(text))) {
    throw new FormatError("not a canonical decimal number");
  }
  return Number(text);
}

/** An origin, policy id or proposal id. */
export function parseIdentifier(text: unknown, longest = 200): string {
  if (typeof text !== "string" || text.length > longest || !IDENTIFIER.test(text)) {
    throw new FormatError("only A-Z a-z 0-9 . _ - / are allowed");
  }
  return text;
}

/** `n` as `width` little-endian bytes. */
export function le(n: number | bigint, width: number): Uint8Array {
  return big(n, width).reverse();
}

/** `n` as `width` big-endian bytes; an error of the caller if it does not fit. */
export function big(n: number | bigint, width: number): Uint8Array {
  const digits = BigInt(n)
    .toString(16)
    .padStart(2 * width, "0");
  return fromHex(digits, width);
}

/** `data` behind its length as four little-endian bytes. */
export function lp(data: Uint8Array): Uint8Array {
  return concat(le(data.length, 4), data);
}

/** The number that big-endian bytes are. */
export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    joined.set(part, place);
    place += part.length;
  }
  return joined;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const ASCII = /^[\0-\x7f]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u; // what UTF-8 cannot carry

/** `FormatError` for text that is not in Unicode NFC or that UTF-8 cannot carry. */
export function requireNfc(text: string): void {
  if (!ASCII.test(text) && (text.normalize("NFC") !== text || LONE_SURROGATE.test(text))) {
    throw new FormatError("text is not in Unicode NFC");
  }
}
