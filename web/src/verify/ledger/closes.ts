// Closes: at the end of each period, the purchase log's size and root. protocol.md 4.

import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError, VerificationError } from "../errors.ts";
import { count, list, text } from "../json.ts";
import { concat, equalBytes, fromHex, le, lp, utf8 } from "../wire.ts";
import { isSigned } from "./ed25519.ts";
import { type Declaration, type Event, eventMembers } from "./events.ts";
import type { Succession } from "./handover.ts";
import { HASH_BYTES } from "./merkle.ts";

export const CLOSED = "log.closed";
const MEMBERS = ["origin", "number", "period", "size", "root", "signatures"];
const DOMAIN = utf8("kvitto-seed/v1");

/** The purchase log had `size` entries under `root` when `period` ended. */
export interface Close {
  number: number;
  period: number;
  size: number;
  root: Uint8Array;
  signatures: Uint8Array[];
}

export function parseClose(event: Event, origin: string): Close {
  const members = eventMembers(event, MEMBERS);
  if (event.type !== CLOSED || text(members.origin, "origin") !== origin) {
    throw new FormatError("not a close of this log");
  }
  return {
    number: count(members.number, "number"),
    period: count(members.period, "period"),
    size: count(members.size, "size"),
    root: fromHex(text(members.root, "root"), HASH_BYTES),
    signatures: list(members.signatures, "signatures").map((signature) =>
      fromHex(text(signature, "signatures"), 64),
    ),
  };
}

/** The 32 bytes that decide where the entries of this close fall. */
export function seedOf(close: Close): Uint8Array {
  return sha256(concat(close.root, ...close.signatures));
}

/** `VerificationError` unless the present key of each seed witness has signed the close. */
export async function requireSeeds(
  close: Close,
  { origin, seedWitnesses }: Declaration,
  known: Succession,
): Promise<void> {
  if (close.signatures.length !== seedWitnesses.length) {
    throw new VerificationError("a close has not one signature of each seed witness");
  }
  const message = concat(
    DOMAIN,
    lp(utf8(origin)),
    le(close.period, 8),
    le(close.size, 8),
    close.root,
  );
  for (const [i, signature] of close.signatures.entries()) {
    const witness = seedWitnesses[i];
    if (!witness || !(await isSigned(known.newest(witness).publicKey, message, signature))) {
      throw new VerificationError("the signature of a seed witness under a close does not hold");
    }
  }
}

/** `VerificationError` unless the close may follow `last`, and has the root that the log had. */
export function requireNext(
  close: Close,
  last: Close | undefined,
  { period }: Declaration,
  root: Uint8Array | undefined,
): void {
  if (close.number !== (last === undefined ? 0 : last.number + 1)) {
    throw new VerificationError("the number of a close is not the next one");
  }
  if (last !== undefined && close.period <= last.period) {
    throw new VerificationError("a period has two closes, or has passed");
  }
  if (period === "manual" && close.period !== close.number) {
    throw new VerificationError("a period without a close before it");
  }
  if (last !== undefined && close.size < last.size) {
    throw new VerificationError("the size of a close decreases");
  }
  if (root === undefined || !equalBytes(root, close.root)) {
    throw new VerificationError("a close has not the root of the log at that size");
  }
}
