// A log as anybody reads it (c2sp tlog-tiles): files below an address. Nothing here is believed.

import { NotServed, Unreachable } from "../errors.ts";

const ABSENT = [403, 404, 410]; // object stores answer 403 for what is not there
const PATIENCE = 30_000; // milliseconds for a whole answer

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
