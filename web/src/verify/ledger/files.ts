// A log as anybody reads it (c2sp tlog-tiles): files below an address. Nothing here is believed.

import { NotServed, Unreachable } from "../errors.ts";

const ABSENT = [403, 404, 410]; // object stores answer 403 for what is not there
const PATIENCE = 30_000; // milliseconds for a whole answer
const BUSY = [429, 503]; // later, says the service
const MOST_TRIES = 4;
const LONGEST_WAIT = 60; // seconds between them

/** Where the files of a log are; `place` names it for people. */
export interface LogFiles {
  readonly place: string;
  /** The file at `path`, of at most `limit` bytes. `NotServed` or `Unreachable`. */
  read(path: string, limit: number): Promise<Uint8Array>;
}

/** A log below the address `place`. */
export class LogSite implements LogFiles {
  readonly place: string;

  constructor(place: string) {
    this.place = place.replace(/\/+$/, "");
  }

  async read(path: string, limit: number): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#ask(path, limit);
      if (answer instanceof Uint8Array) {
        return answer;
      }
      if (tries === MOST_TRIES) {
        throw new Unreachable(`${path} is not to be had, the service is busy`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * answer));
    }
  }

  /** The file, or in how many seconds to ask again. */
  async #ask(path: string, limit: number): Promise<Uint8Array | number> {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(`${this.place}/${path}`, {
        cache: path === "checkpoint" ? "no-store" : "default",
        credentials: "omit",
        redirect: "error",
        signal: stop.signal,
      });
      if (ABSENT.includes(answer.status)) {
        throw new NotServed(`${path} is not served (status ${answer.status})`);
      }
      if (BUSY.includes(answer.status)) {
        const seconds = Number(answer.headers.get("Retry-After") ?? 1);
        return seconds >= 0 && seconds <= LONGEST_WAIT ? seconds : 1;
      }
      if (answer.status !== 200) {
        throw new Unreachable(`${path} is answered with status ${answer.status}`);
      }
      return await body(answer, path, limit);
    } catch (error) {
      throw error instanceof Unreachable ? error : new Unreachable(`no answer for ${path}`);
    } finally {
      clearTimeout(late);
    }
  }
}

async function body(answer: Response, path: string, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = answer.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > limit) {
      await reader?.cancel();
      throw new Unreachable(`the answer for ${path} is too long`);
    }
  }
  const whole = new Uint8Array(length);
  parts.reduce((at, part) => {
    whole.set(part, at);
    return at + part.length;
  }, 0);
  return whole;
}
