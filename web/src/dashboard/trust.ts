// What this page has checked itself, and what it has found to be false.

import { type Signal, signal } from "@preact/signals";
import { Lie, openLog, type RemoteLog, type Seen } from "../client.ts";
import type { LogPlace, Merchant } from "./documents.ts";
import type { LogName } from "./router.ts";
import { keep, kept } from "./storage.ts";

const LET_GO_MS = 30_000; // whoever still reads the log as it was has finished by then

/** What this browser keeps of a log: the largest head, under which keys, and when it saw it. */
export interface Remembered extends Seen {
  vkeys: string[];
  at: string;
}

/**
 * How far the check of a log has come. `before` is what this browser knew when the page was opened;
 * `isStale` says that the log could be read once and now cannot.
 */
export interface Check {
  state: "opening" | "checked" | "unreachable" | "false";
  log?: RemoteLog;
  before?: Remembered;
  isStale?: boolean;
}

export interface Told {
  origin: string;
  lie: Lie;
}

/** All that is false, in the order in which it was found. Nothing takes it back but a new visit. */
export const lies = signal<readonly Told[]>([]);

const checks = new Map<string, Signal<Check>>();

/** The check of a log, which begins with the first who asks. */
export function checkOf(merchant: Merchant, name: LogName): Signal<Check> {
  const origin = originOf(merchant, name);
  const known = checks.get(origin);
  if (known !== undefined) {
    return known;
  }
  const before = recall(origin);
  const check = signal<Check>({ state: "opening", ...(before && { before }) });
  checks.set(origin, check);
  void look(merchant, name, check);
  return check;
}

/** Look whether the logs have grown. */
export async function lookAgain(merchant: Merchant): Promise<void> {
  for (const name of ["events", "purchases"] as const) {
    const check = checks.get(originOf(merchant, name));
    if (check !== undefined && check.value.state !== "opening") {
      await look(merchant, name, check);
    }
  }
}

/** Show everybody that something is false; `false` for an error of another kind. */
export function tell(origin: string, error: unknown): boolean {
  if (!(error instanceof Lie)) {
    return false;
  }
  const isKnown = lies.value.some((told) => told.origin === origin && told.lie.kind === error.kind);
  if (!isKnown) {
    lies.value = [...lies.value, { origin, lie: error }];
  }
  return true;
}

/** Whether the keys that are named now have nothing in common with those of the last visit. */
export function hasNewKeys(check: Check, place: LogPlace): boolean {
  const { before } = check;
  return before !== undefined && !before.vkeys.some((vkey) => place.vkeys.includes(vkey));
}

/** The origin of a merchant's log. */
export function originOf(merchant: Merchant, name: LogName): string {
  return name === "events" ? `${merchant.origin}/events` : merchant.origin;
}

async function look(merchant: Merchant, name: LogName, check: Signal<Check>): Promise<void> {
  const { url, vkeys } = merchant.logs[name];
  const origin = originOf(merchant, name);
  const witnesses = merchant.witnesses.map((witness) => witness.vkey);
  const earlier = check.value.log;
  const seen = larger(earlier?.seen, recall(origin)); // which another tab may have kept
  try {
    const log = await openLog(url, vkeys, witnesses, seen && headOf(seen));
    check.value = { ...check.value, state: "checked", log, isStale: false };
    remember(origin, { ...log.seen, vkeys, at: new Date().toISOString() });
    if (earlier !== undefined) {
      setTimeout(() => void earlier.close(), LET_GO_MS);
    }
  } catch (error) {
    const isFalse = tell(origin, error);
    const state = isFalse ? "false" : earlier === undefined ? "unreachable" : "checked";
    check.value = { ...check.value, state, isStale: true };
  }
}

function headOf({ size, root, note }: Seen): Seen {
  return { size, root, note };
}

function larger(one: Seen | undefined, other: Seen | undefined): Seen | undefined {
  return (one?.size ?? -1) >= (other?.size ?? -1) ? one : other;
}

function remember(origin: string, head: Remembered): void {
  if ((recall(origin)?.size ?? 0) <= head.size) {
    keep(storedAs(origin), head);
  }
}

function recall(origin: string): Remembered | undefined {
  const head = kept(storedAs(origin)) as Partial<Remembered> | null;
  const isWhole = typeof head?.note === "string" && Array.isArray(head.vkeys);
  return isWhole ? (head as Remembered) : undefined;
}

function storedAs(origin: string): string {
  return `kvitto/seen/${origin}`;
}
