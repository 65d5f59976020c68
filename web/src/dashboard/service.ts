// Answers of the service, asked for again when something has happened.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

const GONE = 404;

/** Counts what has happened since the page was opened: whoever shows something looks again. */
export const pulse = signal(0);

/** The service refuses, or answers something that is no answer. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
  readonly status: number;

  constructor(status: number) {
    super(`the service answers with ${status}`);
    this.status = status;
  }
}

/** The service has not read a log to its end yet, and says how far it is. */
export class Unread extends Unanswered {
  readonly done: number;
  readonly total: number;
  readonly seconds: number;

  constructor(done: number, total: number, seconds: number) {
    super(503);
    this.done = done;
    this.total = total;
    this.seconds = seconds;
  }
}

export interface Answer<Document> {
  document?: Document;
  problem?: Unanswered;
}

/** An answer, and what was asked for. */
type Asked<Document> = Answer<Document> & { of?: string };

/** Ask the service. `Unanswered` if it does not give what was asked for. */
export async function ask<Document>(path: string): Promise<Document> {
  let answer: Response;
  try {
    answer = await fetch(path, { headers: { Accept: "application/json" } });
  } catch {
    throw new Unanswered(0);
  }
  if (!answer.ok) {
    throw await refusal(answer);
  }
  try {
    return (await answer.json()) as Document;
  } catch {
    throw new Unanswered(answer.status);
  }
}

async function refusal(answer: Response): Promise<Unanswered> {
  const seconds = answer.headers.get("Retry-After");
  if (answer.status === 503 && seconds !== null) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    const [, done, total] = /^(\d+) of (\d+) entries/.exec(problem.detail ?? "") ?? [];
    if (done !== undefined) {
      return new Unread(Number(done), Number(total), Number(seconds));
    }
  }
  return new Unanswered(answer.status);
}

/** Whether a service that could answer before now fails: what it said stays, with its mark. */
function isWorse(next: Answer<unknown>, last: Asked<unknown>, path: string): boolean {
  const isGone = next.problem?.status === GONE;
  return next.problem !== undefined && !isGone && last.of === path && last.document !== undefined;
}

/** What the service answers, and again after each pulse. The last answer stays until the next. */
export function useAnswer<Document>(path: string): Answer<Document> {
  const [answer, setAnswer] = useState<Asked<Document>>({});
  const beat = pulse.value;
  useEffect(() => {
    let wanted = true;
    let later: ReturnType<typeof setTimeout> | undefined;
    const keep = (next: Answer<Document>): void => {
      if (wanted) {
        setAnswer((last) => (isWorse(next, last, path) ? last : { ...next, of: path }));
      }
    };
    const look = (): void => {
      ask<Document>(path).then(
        (document) => keep({ document }),
        (problem: Unanswered) => {
          keep({ problem });
          if (wanted && problem instanceof Unread) {
            later = setTimeout(look, 1000 * problem.seconds);
          }
        },
      );
    };
    look();
    return () => {
      wanted = false;
      clearTimeout(later);
    };
  }, [path, beat]);
  return answer.of === path ? answer : {};
}

/** The address of something of a merchant. */
export function place(merchant: string, path: string): string {
  return `/v1/merchants/${encodeURIComponent(merchant)}/${path}`;
}
