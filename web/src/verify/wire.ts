// Encodings of bytes. Each value has one encoding, and every other is refused.

import { FormatError } from "./errors.ts";

const HEX = /^(?:[0-9a-f]{2})*$/;

export function fromHex(text: string): Uint8Array {
  if (!HEX.test(text)) {
    throw new FormatError("not lower-case hex");
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
    text += byte.toString(16).padStart(2, "0");
  }
  return text;
}
