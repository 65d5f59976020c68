// The numbers of the dashboard's charts, counted from the events themselves: the same that the
// service counts (tests/vectors/overview).

import { Histories, type History } from "./aftersales/histories.ts";
import { MERCHANT } from "./aftersales/steps.ts";
import { accused, readDeclaration } from "./declared.ts";
import { FormatError } from "./errors.ts";
import { canonicalJson, count, isObject, type Json, text } from "./json.ts";
import { Kept } from "./kept.ts";
import { type Declaration, type Event, parseEvent } from "./ledger/events.ts";
import { isKeyEvent, KeyHistory } from "./ledger/key_history.ts";
import type { Progress, VerifiedLog } from "./ledger/log.ts";
import { equalBytes, toBase64 } from "./wire.ts";

const VOIDED = "purchase.voided";

/** As `…/overview` has it; days are the first ten characters of event times. */
export type Overview = {
  origin: string;
  events: number;
  at: string | null;
  claims: {
    day: string;
    policy: string;
    version: number;
    remedy: string;
    state: string;
    count: number;
  }[];
  declines: { day: string; reason: string; count: number }[];
  responses: ResponseCounts[];
  voids: { day: string; reason: string; count: number }[];
};

/** How the merchant answered under one version of a policy; times in seconds. */
export type ResponseCounts = {
  policy: string;
  version: number;
  met: number;
  missed: number;
  open: number;
  overdue: number;
  median: number | null;
  p90: number | null;
};

/** Reads events in their order, and counts. */
export class OverviewFold {
  readonly keys: KeyHistory;
  readonly #declaration: Declaration;
  readonly #histories: Histories;
  readonly #voids: [day: string, reason: string][] = [];
  #read = 0;
  #at: string | null = null;

  constructor(declaration: Declaration) {
    this.#declaration = declaration;
    this.keys = new KeyHistory(declaration);
    this.#histories = new Histories(declaration.origin);
  }

  /** How many events were read. */
  get size(): number {
    return this.#read;
  }

  async read(event: Event): Promise<void> {
    await this.#histories.read(this.#read, event);
    if (isKeyEvent(event)) {
      await this.keys.read(event);
    } else if (event.type === VOIDED) {
      this.#voids.push([dayOf(event.time), text(event.members.reason, "reason")]);
    }
    this.#read++;
    this.#at = event.time;
  }

  overview(): Overview {
    const claims = [...this.#histories.claims.values()];
    const counted = tally(claims.map(claimRow));
    const declines = claims.filter((claim) => claim.case.state === "declined").map(declineRow);
    return {
      origin: this.#declaration.origin,
      events: this.#read,
      at: this.#at,
      claims: counted.map(([[day, policy, version, remedy, state], count]) => {
        return { day, policy, version, remedy, state, count };
      }),
      declines: tally(declines).map(([[day, reason], count]) => ({ day, reason, count })),
      responses: countResponses(claims, this.#at ?? ""),
      voids: tally(this.#voids).map(([[day, reason], count]) => ({ day, reason, count })),
    };
  }
}

const folds = new Kept<OverviewFold>();

/** Count all events of the log, `signed` ones: its key must be one that its events tell of. */
export function recount(
  events: VerifiedLog,
  onProgress?: Progress,
  signal?: AbortSignal,
): Promise<Overview> {
  return countTo(events.size, events, onProgress, signal);
}

/**
 * Count so many events as `served` says it has counted; `Lie` where it differs. The others are read
 * too: whose key has signed them all is told by all of them.
 */
export async function checkOverview(
  events: VerifiedLog,
  served: unknown,
  onProgress?: Progress,
  signal?: AbortSignal,
): Promise<Overview> {
  const document = served as Json;
  if (!isObject(document)) {
    throw new FormatError("not an overview");
  }
  const stop = count(document.events, "events");
  const { purchases = null } = document;
  const counted = await countTo(stop, events, onProgress, signal);
  const ours = canonicalJson({ ...counted, purchases });
  const theirs = canonicalJson(document);
  if (!equalBytes(ours, theirs)) {
    const file = { path: "overview", data: toBase64(theirs) };
    throw await events.accuse(
      "overview-differs",
      "the numbers are not those of the log",
      [],
      [file],
    );
  }
  if (stop < events.size) {
    await countTo(events.size, events, onProgress, signal);
  }
  return counted;
}

function countTo(
  stop: number,
  events: VerifiedLog,
  onProgress?: Progress,
  signal?: AbortSignal,
): Promise<Overview> {
  const begin = async () => new OverviewFold(await readDeclaration(events));
  return folds.use([events], begin, async (kept) => {
    const fold = kept.size <= stop ? kept : await begin();
    await readTo(stop, fold, events, onProgress, signal);
    return fold.overview();
  });
}

async function readTo(
  stop: number,
  fold: OverviewFold,
  events: VerifiedLog,
  onProgress?: Progress,
  signal?: AbortSignal,
): Promise<void> {
  for await (const [start, entries] of events.portions(fold.size, stop, onProgress, signal)) {
    for (const [i, data] of entries.entries()) {
      try {
        await fold.read(parseEvent(data));
      } catch (error) {
        throw await accused(events, error, start + i);
      }
    }
  }
  const inForce = fold.keys.inForce(events.origin).map(({ vkey }) => vkey);
  if (stop === events.size && !events.signers.some((vkey) => inForce.includes(vkey))) {
    throw await events.accuse("wrong-key", "the log is signed by a key that is not in force", []);
  }
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

function claimRow({ opened, case: { body, state } }: History) {
  return [dayOf(opened), body.policy, body.version, body.remedy, state] as const;
}

function declineRow(claim: History): readonly [string, string] {
  const decline = claim.moves.filter(({ step }) => step === "decline").at(-1);
  return [dayOf(decline?.time ?? ""), claim.case.reason ?? ""];
}

type Row = readonly (string | number)[];

/** Each row once, sorted, with how often it occurs. */
function tally<R extends Row>(rows: readonly R[]): [row: R, count: number][] {
  const counts = new Map<string, [R, number]>();
  for (const row of rows) {
    const name = JSON.stringify(row);
    const [first, count] = counts.get(name) ?? [row, 0];
    counts.set(name, [first, count + 1]);
  }
  return [...counts.values()].sort(([a], [b]) => compare(a, b));
}

function compare(a: Row, b: Row): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? "";
    if (value !== other) {
      return value < other ? -1 : 1;
    }
  }
  return 0;
}

// ---- responses

type Ending = "met" | "missed" | "open" | "overdue";

function countResponses(claims: readonly History[], at: string): ResponseCounts[] {
  const found = new Map<string, { row: [string, number]; ended: Ending[]; seconds: number[] }>();
  for (const claim of claims) {
    const { policy, version } = claim.case.body;
    const name = JSON.stringify([policy, version]);
    for (const [ending, seconds] of endings(claim, at)) {
      const counts = found.get(name) ?? { row: [policy, version], ended: [], seconds: [] };
      found.set(name, counts);
      counts.ended.push(ending);
      if (seconds !== null) {
        counts.seconds.push(seconds);
      }
    }
  }
  const sorted = [...found.values()].sort((a, b) => compare(a.row, b.row));
  return sorted.map(({ row: [policy, version], ended, seconds }) => {
    const of = (ending: Ending) => ended.filter((each) => each === ending).length;
    return {
      ...{ policy, version },
      ...{ met: of("met"), missed: of("missed"), open: of("open"), overdue: of("overdue") },
      ...{ median: nearestRank(seconds, 50), p90: nearestRank(seconds, 90) },
    };
  });
}

/** How each response of a claim ended, and of those that came after how many seconds. */
function* endings(claim: History, at: string): Generator<[Ending, number | null]> {
  let [since, due] = [claim.opened, claim.firstDue];
  for (const move of claim.moves) {
    if (move.by === MERCHANT) {
      if (due !== null) {
        yield [move.time <= due ? "met" : "missed", secondsBetween(since, move.time)];
      }
      due = null;
    } else if (move.due === null || due === null) {
      [since, due] = [move.time, move.due];
    }
  }
  if (due !== null) {
    yield [due < at ? "overdue" : "open", null];
  }
}

function secondsBetween(start: string, end: string): number {
  return (Date.parse(end) - Date.parse(start)) / 1000;
}

/** The smallest value that so many percent are at most. */
function nearestRank(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? null;
}
