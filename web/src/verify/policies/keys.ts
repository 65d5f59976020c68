// Public keys that buyers and merchants name, and those among them that keep nothing secret.

import { FormatError } from "../errors.ts";
import { fromHex, toNumber } from "../wire.ts";

const P = 2n ** 255n - 19n;
const KEY_BYTES = 32;

// x of the points of Curve25519 of low order (RFC 7748, 6.1)
const LOW_ORDER = new Set([
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]);

const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

// y of the points of Ed25519 under which a signature is valid that anybody can make
const ANYBODYS = new Set([0n, 1n, P - 1n, ORDER_8, P - ORDER_8]);

/** An X25519 key in hex that can keep a secret. */
export function parseContactKey(text: string): string {
  if (LOW_ORDER.has(coordinate(text))) {
    throw new FormatError("not a key that can keep a secret");
  }
  return text;
}

/** An Ed25519 key in hex with which not everybody signs. */
export function parseSigningKey(text: string): string {
  if (ANYBODYS.has(coordinate(text))) {
    throw new FormatError("a key with which anybody signs");
  }
  return text;
}

function coordinate(text: string): bigint {
  return (toNumber(fromHex(text, KEY_BYTES).reverse()) % 2n ** 255n) % P;
}
