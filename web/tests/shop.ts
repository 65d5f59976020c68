// The log in tests/fixtures, as a server shows it; and as one shows it that lies.

import { readFileSync } from "node:fs";
import { NotServed } from "../src/verify/errors.ts";
import type { LogFiles } from "../src/verify/ledger/files.ts";

export const HOME = new URL("./fixtures/acme/", import.meta.url);

/** What the Python rooms find in the fixtures (tests/web/expected.py). */
export interface Expected {
  origin: string;
  witnesses: string[];
  events: { size: number; root: string };
  purchases: { size: number; root: string };
  vkeys: { events: string[]; purchases: string[] };
  closes: { size: number; seed: string }[];
  claims: {
    index: number;
    claim_id: string;
    ring: number[];
    digest: string;
    statement: string;
    tags: string[];
  }[];
  states: Record<string, string>;
}

export const EXPECTED = JSON.parse(
  readFileSync(new URL("expected.json", HOME), "utf8"),
) as Expected;

/** A served log whose answers can be replaced; it counts what it is asked. */
export class FakeFiles implements LogFiles {
  readonly place: string;
  readonly asked: string[] = [];
  readonly #answers: Map<string, Uint8Array>;
  readonly #directory: URL | undefined;

  constructor(place: string, directory?: URL, answers = new Map<string, Uint8Array>()) {
    this.place = place;
    this.#directory = directory;
    this.#answers = answers;
  }

  async read(path: string, _limit: number): Promise<Uint8Array> {
    this.asked.push(path);
    const answer = this.#answers.get(path) ?? this.#stored(path);
    if (answer === undefined) {
      throw new NotServed(`${path} is not served`);
    }
    return answer;
  }

  /** The same, with another answer for one path. */
  with(path: string, answer: Uint8Array): FakeFiles {
    return new FakeFiles(this.place, this.#directory, new Map([...this.#answers, [path, answer]]));
  }

  /** The same, with one file changed. */
  changed(path: string, change: (data: Uint8Array) => Uint8Array): FakeFiles {
    const stored = this.#answers.get(path) ?? this.#stored(path);
    return this.with(path, change(Uint8Array.from(stored ?? [])));
  }

  #stored(path: string): Uint8Array | undefined {
    try {
      return this.#directory && new Uint8Array(readFileSync(new URL(path, this.#directory)));
    } catch {
      return undefined;
    }
  }
}

export function purchases(): FakeFiles {
  return new FakeFiles("https://ledger.example/logs/acme/purchases", new URL("purchases/", HOME));
}

export function events(): FakeFiles {
  return new FakeFiles("https://ledger.example/logs/acme/events", new URL("events/", HOME));
}
