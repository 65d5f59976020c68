// Entries of the logs, proven by this page, and what they say.

import { useEffect, useState } from "preact/hooks";
import type { RemoteLog } from "../client.ts";
import type { LogEvent, Merchant } from "./documents.ts";
import type { LogName } from "./router.ts";
import { checkOf, tell } from "./trust.ts";

/** How far the look for an entry has come; `size` is that of the log that it was proven to be in. */
export type Look =
  | { state: "checking" | "missing" | "unreachable" | "false" }
  | { state: "proven"; bytes: Uint8Array; size: number };

/** Entries of the purchase log (protocol.md 4). */
export type PurchaseEntry =
  | { kind: 1 | 3 | 4; commitment: string }
  | { kind: 2; voided: bigint }
  | { kind: 0 };

const COMMITMENT_BYTES = 34;
const VOID_BYTES = 9;

/** The entry at an index, proven to be in the log. */
export function useEntry(merchant: Merchant, name: LogName, index: number): Look {
  const { state, log } = checkOf(merchant, name).value;
  const [look, setLook] = useState<Look>({ state: "checking" });
  useEffect(() => {
    let wanted = true;
    setLook({ state: "checking" });
    if (log !== undefined) {
      void prove(log, merchant.origin, index).then((found) => wanted && setLook(found));
    } else if (state === "unreachable" || state === "false") {
      setLook({ state });
    }
    return () => {
      wanted = false;
    };
  }, [log, state, index, merchant.origin]);
  return look;
}

async function prove(log: RemoteLog, origin: string, index: number): Promise<Look> {
  if (index >= log.size) {
    return { state: "missing" };
  }
  try {
    return { state: "proven", bytes: await log.entry(index), size: log.size };
  } catch (error) {
    return { state: tell(origin, error) ? "false" : "unreachable" };
  }
}

/** The event that bytes are; `undefined` for others. */
export function eventOf(bytes: Uint8Array): LogEvent | undefined {
  try {
    const event: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isEvent(event) ? event : undefined;
  } catch {
    return undefined;
  }
}

/** What an entry of the purchase log says; kind 0 for what it may not hold. */
export function purchaseOf(bytes: Uint8Array): PurchaseEntry {
  const [kind] = bytes;
  if (kind === 2 && bytes.length === VOID_BYTES) {
    return { kind, voided: new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1) };
  }
  if ((kind === 1 || kind === 3 || kind === 4) && bytes.length === COMMITMENT_BYTES) {
    return { kind, commitment: hexOf(bytes.subarray(1)) };
  }
  return { kind: 0 };
}

export function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isEvent(value: unknown): value is LogEvent {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "time" in value &&
    typeof value.time === "string"
  );
}
