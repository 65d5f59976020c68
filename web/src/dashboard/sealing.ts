// A commitment to one price, as in protocol.md 3 but for the other attributes: for the page that
// lets people try it. It is loaded when somebody does.

import { p256, p256_hasher } from "@noble/curves/nist.js";
import { utf8 } from "../verify/wire.ts";

const DST = "KVITTO-V01-GENERATOR-with-P256_XMD:SHA-256_SSWU_RO_";
const RANDOM_BYTES = 16; // as much as is still readable; a commitment of a purchase has 32

/** A fresh random number, as hex. */
export function randomNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `price * gen("attribute/price") + random * gen("blinding")`, as 33 bytes of hex. */
export function seal(price: number, random: string): string {
  const blinding = BigInt(`0x${random}`) % p256.Point.Fn.ORDER;
  const sealed = generator("attribute/price").multiplyUnsafe(BigInt(price));
  return sealed.add(generator("blinding").multiplyUnsafe(blinding)).toHex();
}

function generator(label: string): InstanceType<typeof p256.Point> {
  return p256_hasher.hashToCurve(utf8(label), { DST });
}
