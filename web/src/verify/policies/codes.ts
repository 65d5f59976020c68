// Codes of products and batches, and other text that can be printed in one line. protocol.md 3.

import { FormatError } from "../errors.ts";

const GTIN = /^(?:[0-9]{8}|[0-9]{12,14})$/;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const LONGEST = 200; // characters

/** `FormatError` unless the text has 1 to 200 characters that can be printed, in NFC. */
export function requireText(text: string): void {
  const { length } = [...text];
  if (length === 0 || length > LONGEST) {
    throw new FormatError("empty, or too long");
  }
  if (UNPRINTABLE.test(text) || text.normalize("NFC") !== text) {
    throw new FormatError("not printable text in Unicode NFC");
  }
}

export function requireCode(code: string): void {
  requireText(code);
  if (code.trim() !== code) {
    throw new FormatError("begins or ends with a space");
  }
}

/** As `requireCode`; and no GTIN with a wrong check digit. */
export function requireProduct(code: string): void {
  requireCode(code);
  if (GTIN.test(code) && !isGtin(code)) {
    throw new FormatError("a GTIN with a wrong check digit");
  }
}

/** The form of a product code that is hashed: a GTIN as 14 digits, any other as it stands. */
export function normaliseProduct(code: string): string {
  return isGtin(code) ? code.padStart(14, "0") : code.normalize("NFC");
}

/** Whether the check digit holds: weights 1, 3 from the right (GS1 General Specifications 7.9). */
function isGtin(code: string): boolean {
  const digits = [...code].reverse().map(Number);
  const sum = digits.reduce((total, digit, i) => total + digit * (i % 2 === 0 ? 1 : 3), 0);
  return GTIN.test(code) && sum % 10 === 0;
}
