// What this page has checked itself, and what it has found to be false.

import { type Signal, signal } from "@preact/signals";
import { Lie, openLog, type RemoteLog, type Seen } from "../client.ts";
import type { Merchant } from "./documents.ts";
import type { LogName } from "./router.ts";
import { keep, kept } from "./storage.ts";

const LET_GO_MS = 30_000; // whoever still reads the log as it was has finished by then

/** What this browser keeps of a log: the largest head, whose keys signed it, and when it saw it. */
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
const looks = new Map<string, Promise<void>>(); // the last of each merchant
const next = new Map<string, Promise<void>>(); // those that have not begun

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

/**
 * Look whether the logs have grown, one look after another. Closes in the event log are of purchases
 * before them: so the purchase log is read last.
 */
export function lookAgain(merchant: Merchant): Promise<void> {
  const { origin } = merchant;
  const waiting = next.get(origin);
  if (waiting !== undefined) {
    return waiting;
  }
  const look = (looks.get(origin) ?? Promise.resolve()).then(() => {
    next.delete(origin);
    return lookAtBoth(merchant);
  });
  looks.set(origin, look);
  next.set(origin, look);
  return look;
}

async function lookAtBoth(merchant: Merchant): Promise<void> {
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

/** Whether none of those who have signed the log now has signed it at the last visit. */
export function hasNewKeys({ before, log }: Check): boolean {
  return (
    before !== undefined &&
    log !== undefined &&
    !before.vkeys.some((vkey) => log.signers.includes(vkey))
  );
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
  try {
    const log = await openLog(url, vkeys, witnesses, headsOf(origin, check.value));
    if (log.origin !== origin) {
      throw await log.accuse(
        "wrong-key",
        `the log of ${log.origin} is shown for ${origin}`,
        [],
        [],
      );
    }
    check.value = { ...check.value, state: "checked", log, isStale: false };
    remember(origin, { ...log.seen, vkeys: [...log.signers], at: new Date().toISOString() });
    if (earlier !== undefined) {
      setTimeout(() => void earlier.close(), LET_GO_MS);
    }
  } catch (error) {
    const isFalse = tell(origin, error);
    const state = isFalse ? "false" : earlier === undefined ? "unreachable" : "checked";
    check.value = { ...check.value, state, isStale: true };
  }
}

/** What this page has seen of the log, and any other page of this browser. */
function headsOf(origin: string, { log, before }: Check): Seen[] {
  const heads = [log?.seen ?? before, recall(origin)].filter((head) => head !== undefined);
  const distinct = new Map(heads.map(({ size, root, note }) => [note, { size, root, note }]));
  return [...distinct.values()];
}

/** Unless another page has seen more meanwhile. */
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
