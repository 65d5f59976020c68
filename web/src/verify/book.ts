// What the two logs of a merchant say, as far as claims depend on it: read once, and then on.

import { accused, readDeclaration } from "./declared.ts";
import { FormatError, Unreachable, VerificationError } from "./errors.ts";
import { CLOSED, type Close, parseClose, requireNext, requireSeeds } from "./ledger/closes.ts";
import { type Declaration, type Event, parseEvent } from "./ledger/events.ts";
import { isKeyEvent, KeyHistory } from "./ledger/key_history.ts";
import type { Progress, VerifiedLog } from "./ledger/log.ts";
import { Partition } from "./ledger/partition.ts";
import { Purchases } from "./ledger/purchases.ts";
import { VersionFold } from "./policies/versions.ts";

// What is in a log besides depends on nothing that a claim does. An event has one spelling.
const RELEVANT = /"type":"(?:log|policy)\./;
const LATIN1 = new TextDecoder("latin1");

/** A close that its signatures make good, at `index` of the event log; its root is still to check. */
interface SeenClose {
  index: number;
  close: Close;
}

/** Of one merchant: the event log up to some event, and the purchase log up to some entry. */
export class Book {
  readonly declaration: Declaration;
  readonly keys: KeyHistory;
  readonly versions: VersionFold;
  readonly partition: Partition;
  readonly purchases = new Purchases();
  readonly #waiting: SeenClose[] = [];
  readonly #closedAt: number[] = [];
  #read = 0;

  private constructor(declaration: Declaration) {
    this.declaration = declaration;
    this.keys = new KeyHistory(declaration);
    this.versions = new VersionFold(declaration.origin);
    this.partition = new Partition(declaration.capacity, declaration.voidWindow);
  }

  /** For the logs that event 0 declares. */
  static async open(events: VerifiedLog): Promise<Book> {
    return new Book(await readDeclaration(events));
  }

  /** The closes among the events before `index`. */
  closesBefore(index: number): readonly Close[] {
    return this.partition.closes.slice(0, this.#closedAt.filter((at) => at < index).length);
  }

  /** Read both logs so far that the claim at `index` can be judged. */
  async readTo(
    index: number,
    events: VerifiedLog,
    purchases: VerifiedLog,
    onProgress: Progress = () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const wanted = Math.max(index + 1 - this.#read, 0) + purchases.size - this.purchases.size;
    await this.#readEvents(index + 1, events, (done) => onProgress(done, wanted), signal);
    const missing = purchases.size - this.purchases.size;
    const told: Progress = (done) => onProgress(wanted - missing + done, wanted);
    const portions = purchases.portions(this.purchases.size, purchases.size, told, signal);
    for await (const [, entries] of portions) {
      for (const entry of entries) {
        this.purchases.append(entry);
      }
    }
    await this.#settle(events, purchases);
  }

  async #readEvents(
    stop: number,
    events: VerifiedLog,
    onProgress: Progress,
    signal?: AbortSignal,
  ): Promise<void> {
    if (stop <= this.#read) {
      return;
    }
    for await (const [start, entries] of events.portions(this.#read, stop, onProgress, signal)) {
      for (const [i, data] of entries.entries()) {
        try {
          if (RELEVANT.test(LATIN1.decode(data))) {
            await this.#take(start + i, parseEvent(data));
          }
        } catch (error) {
          throw await accused(events, error, start + i);
        }
        this.#read = start + i + 1;
      }
    }
  }

  async #take(index: number, event: Event): Promise<void> {
    this.versions.read(index, event);
    if (isKeyEvent(event)) {
      await this.keys.read(event);
    } else if (event.type === CLOSED) {
      await this.#takeClose(index, event);
    }
  }

  /** One that is none has no effect; the root is compared once the purchases are read. */
  async #takeClose(index: number, event: Event): Promise<void> {
    try {
      const close = parseClose(event, this.declaration.origin);
      await requireSeeds(close, this.declaration, this.keys.witnesses);
      this.#waiting.push({ index, close });
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof VerificationError)) {
        throw error;
      }
    }
  }

  /** `Unreachable` where a close may be of entries that came after the purchase log was read. */
  async #settle(events: VerifiedLog, purchases: VerifiedLog): Promise<void> {
    const isBehind = this.#waiting.some(({ close }) => close.size > purchases.size);
    if (isBehind && !purchases.isNewerThan(events)) {
      throw new Unreachable("the purchase log was read before the event log");
    }
    const roots = await Promise.all(this.#waiting.map(({ close }) => purchases.rootAt(close.size)));
    for (const [i, { index, close }] of this.#waiting.splice(0).entries()) {
      try {
        requireNext(close, this.partition.closes.at(-1), this.declaration, roots[i]);
      } catch (error) {
        if (error instanceof VerificationError) {
          continue;
        }
        throw error;
      }
      this.partition.extend(close);
      this.#closedAt.push(index);
    }
  }
}
