// The figures of a merchant: those that the service gives, and those counted again in this browser.

import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { checkOverview, type Overview } from "../client.ts";
import type { Source } from "./components/parts.tsx";
import type { Merchant } from "./documents.ts";
import { type Answer, ask, place, useAnswer } from "./service.ts";
import { checkOf, lookAgain, tell } from "./trust.ts";

/** Logs of up to so many events are recounted without being asked: a few megabytes. */
const SMALL = 2000;
const TRIES = 3; // the figures may be of events that came after the log was looked at

/** How far the recount of a merchant's events has come. */
export interface Recount {
  state: "idle" | "running" | "same" | "false" | "behind" | "failed";
  done: number;
  total: number;
  milliseconds: number;
  overview?: Overview;
}

export interface Figures {
  answer: Answer<Overview>;
  overview: Overview | undefined;
  source: Source;
}

const recounts = new Map<string, Signal<Recount>>();

/** The recount of a merchant's events. */
export function recountOf(merchant: Merchant): Signal<Recount> {
  const known = recounts.get(merchant.origin);
  const recount = known ?? signal({ state: "idle", done: 0, total: 0, milliseconds: 0 });
  recounts.set(merchant.origin, recount);
  return recount;
}

/** Whether a log is so short that it is recounted without being asked. */
export function isSmall(events: number): boolean {
  return events <= SMALL;
}

/** The newest figures, and where they come from. */
export function useFigures(merchant: Merchant): Figures {
  const answer = useAnswer<Overview>(place(merchant.id, "overview"));
  const recount = recountOf(merchant).value;
  const check = checkOf(merchant, "events").value;
  const served = answer.document;
  const counted = recount.state === "same" ? recount.overview : undefined;
  const isCounted = counted !== undefined && counted.events === served?.events;
  const size = check.log?.size;
  useEffect(() => {
    if (served !== undefined && size !== undefined && isSmall(size) && !isCounted) {
      void countAgain(merchant);
    }
  }, [merchant, served, size, isCounted]);
  // What is called checked is what was counted here: the service may have given the recount other
  // figures to compare with than those of `served`.
  return isCounted
    ? { answer, overview: counted, source: "checked" }
    : { answer, overview: served, source: "said" };
}

/** Recount everything, and compare. */
export async function countAgain(merchant: Merchant): Promise<void> {
  const recount = recountOf(merchant);
  if (recount.value.state === "running") {
    return;
  }
  recount.value = { state: "running", done: 0, total: 0, milliseconds: 0 };
  const began = performance.now();
  try {
    const overview = await counted(merchant, (done, total) => {
      recount.value = { ...recount.value, done, total };
    });
    const milliseconds = performance.now() - began;
    recount.value = { ...recount.value, state: "same", milliseconds, overview };
  } catch (error) {
    const isBehind = error instanceof Behind;
    const state = tell(merchant.origin, error) ? "false" : isBehind ? "behind" : "failed";
    recount.value = { ...recount.value, state };
  }
}

class Behind extends Error {}

async function counted(
  merchant: Merchant,
  onProgress: (done: number, total: number) => void,
): Promise<Overview> {
  for (let tries = 0; tries < TRIES; tries++) {
    const served = await ask<Overview>(place(merchant.id, "overview"));
    const { log } = checkOf(merchant, "events").value;
    // Figures of fewer events leave out what happened last.
    if (log !== undefined && served.events === log.size) {
      return await checkOverview(log, served, { onProgress });
    }
    await lookAgain(merchant);
  }
  throw new Behind();
}
