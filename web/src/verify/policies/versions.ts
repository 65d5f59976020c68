// The versions of a merchant's policies, folded from the events of its log. protocol.md 4 and 5.

import { FormatError, VerificationError } from "../errors.ts";
import { count } from "../json.ts";
import { CLOSED } from "../ledger/closes.ts";
import { type Event, eventMembers } from "../ledger/events.ts";
import { LAST_DAY, parseDay } from "./days.ts";
import { type Policy, parsePolicy, windowDays } from "./policy.ts";

const PUBLISHED = "policy.published";
const SUPERSEDED = "policy.superseded";
const WITHDRAWN = "policy.withdrawn";
const MEMBERS = new Map([
  [PUBLISHED, ["number", "policy"]],
  [SUPERSEDED, ["number", "policy", "version", "by", "from"]],
  [WITHDRAWN, ["number", "policy", "version", "from"]],
]);

/** A version covers no purchase from the day `first` on; said at `index` of the event log. */
interface Ending {
  index: number;
  first: number;
}

/** A published version of a policy, and what has ended it so far. */
export interface Version {
  policy: Policy;
  published: string;
  endings: readonly Ending[];
}

/** The first day whose purchases are no longer covered. */
export function endOf({ endings }: Version): number | null {
  return endings.length === 0 ? null : Math.min(...endings.map(({ first }) => first));
}

/** First and last day of purchase for a claim made on `claimed`; `null` for any day. */
export function purchaseDays(version: Version, claimed: number): [number, number] | null {
  const { policy } = version;
  const end = endOf(version);
  const ended = end !== null && claimed >= end;
  const window = windowDays(policy, claimed);
  if (window === null && policy.coversFrom === null && !ended) {
    return null;
  }
  const [first, last] = window ?? [0, LAST_DAY];
  return [
    Math.max(first, policy.coversFrom ?? first, 0),
    ended ? Math.min(last, (end ?? 0) - 1) : last,
  ];
}

/** Whether there are purchases that claims may be made for on `day`. */
export function isOpenOn(version: Version, day: number): boolean {
  const { validFrom, validTo } = version.policy;
  const days = purchaseDays(version, day);
  return validFrom <= day && day <= validTo && (days === null || days[0] <= days[1]);
}

/** Folds the events of one log, in its order, to the versions that they publish and end. */
export class VersionFold {
  readonly #origin: string;
  readonly #published = new Map<string, { index: number; version: Version }>();
  readonly #endings = new Map<string, Ending[]>();
  #count = 0;
  #latest = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** A version as the events before `index` made it. */
  version(id: string, number: number, index = Number.POSITIVE_INFINITY): Version | null {
    const found = this.#published.get(nameOf(id, number));
    if (found === undefined || found.index >= index) {
      return null;
    }
    const endings = this.#endings.get(nameOf(id, number)) ?? [];
    return { ...found.version, endings: endings.filter((ending) => ending.index < index) };
  }

  /**
   * The next event. `FormatError` for a policy event without exactly its members,
   * `VerificationError` for one that has not the next number; one that says something impossible
   * has no effect.
   */
  read(index: number, event: Event): void {
    const names = MEMBERS.get(event.type);
    if (names !== undefined) {
      const members = eventMembers(event, names);
      if (count(members.number, "number") !== this.#count) {
        throw new VerificationError("a policy is hidden, or two have one number");
      }
      this.#count++;
      this.#take(index, event);
    }
    if (names !== undefined || event.type === CLOSED) {
      this.#latest = this.#dayOf(event);
    }
  }

  #take(index: number, event: Event): void {
    try {
      if (event.type === PUBLISHED) {
        this.#publish(index, event);
      } else {
        this.#end(index, event);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) {
        throw error;
      }
    }
  }

  #publish(index: number, { members, time }: Event): void {
    const policy = parsePolicy(members.policy);
    const name = nameOf(policy.id, policy.version);
    if (policy.origin === this.#origin && !this.#published.has(name)) {
      this.#published.set(name, { index, version: { policy, published: time, endings: [] } });
    }
  }

  #end(index: number, event: Event): void {
    const { policy, version, by, from } = event.members;
    if (typeof policy !== "string" || typeof version !== "number" || typeof from !== "string") {
      return;
    }
    const first = parseDay(from);
    if (!this.#published.has(nameOf(policy, version)) || first <= this.#dayOf(event)) {
      return;
    }
    const follows =
      typeof by === "number" && by > version && this.#published.has(nameOf(policy, by));
    if (event.type === WITHDRAWN || follows) {
      const endings = this.#endings.get(nameOf(policy, version)) ?? [];
      this.#endings.set(nameOf(policy, version), [...endings, { index, first }]);
    }
  }

  /** The day of an event that comes next: no earlier than those before it. */
  #dayOf({ time }: Event): number {
    return Math.max(this.#latest, Math.floor(Date.parse(time) / 86_400_000));
  }
}

function nameOf(id: string, version: number): string {
  return `${id}@${version}`;
}
