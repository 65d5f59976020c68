// The keys of a merchant's two logs: which were declared, which follow them, which are retired.
// protocol.md 4, *Keys*.

import { FormatError, VerificationError } from "../errors.ts";
import { count, text } from "../json.ts";
import { concat, equalBytes, fromHex, le, lp, utf8 } from "../wire.ts";
import { isSigned } from "./ed25519.ts";
import { type Declaration, type Event, eventMembers } from "./events.ts";
import { Succession } from "./handover.ts";
import { type Key, parseLogKey } from "./note.ts";

const DOMAIN = utf8("kvitto-key-rotation/v1");
const ROTATED = "log.key_rotated";
const RETIRED = "log.key_retired";
const WITNESS_ROTATED = "log.witness_key_rotated";
const MEMBERS = new Map([
  [ROTATED, ["origin", "number", "vkey", "next_vkey", "signature"]],
  [RETIRED, ["origin", "number", "vkey"]],
  [WITNESS_ROTATED, ["origin", "number", "vkey", "next_vkey", "signature", "next_signature"]],
]);

/** The keys of one log, oldest first; the first `retired` of them sign no more. */
interface LogKeys {
  keys: Key[];
  retired: number;
}

export function isKeyEvent(event: Event): boolean {
  return MEMBERS.has(event.type);
}

export class KeyHistory {
  readonly witnesses = new Succession();
  readonly #origin: string;
  readonly #logs: Map<string, LogKeys>;
  #changes = 0;

  constructor(declaration: Declaration) {
    this.#origin = declaration.origin;
    this.#logs = new Map(
      [declaration.purchases, declaration.events].map((key) => [
        key.name,
        { keys: [key], retired: 0 },
      ]),
    );
  }

  /** The keys that sign the log of this origin: one, or two while the second takes over. */
  inForce(origin: string): Key[] {
    const { keys, retired } = this.#of(origin);
    return keys.slice(retired);
  }

  /** Take in one more key event; no false one is passed over. */
  async read(event: Event): Promise<void> {
    const members = eventMembers(event, MEMBERS.get(event.type) ?? []);
    // 1. It is the next one, of these logs.
    if (text(members.origin, "origin") !== this.#origin) {
      throw new FormatError("a key event of another log");
    }
    if (count(members.number, "number") !== this.#changes) {
      throw new VerificationError("the number of a change of keys is not the next one");
    }
    if (event.type === WITNESS_ROTATED) {
      await this.witnesses.add(members);
    } else if (event.type === ROTATED) {
      await this.#rotate(event);
    } else {
      this.#retire(parseLogKey(text(members.vkey, "vkey")));
    }
    this.#changes++;
  }

  async #rotate({ members }: Event): Promise<void> {
    const old = parseLogKey(text(members.vkey, "vkey"));
    const next = parseLogKey(text(members.next_vkey, "next_vkey"));
    const log = this.#of(old.name);
    // 2. The old key is the only one in force.
    const inForce = this.inForce(old.name);
    if (inForce.length !== 1 || inForce[0]?.vkey !== old.vkey) {
      throw new VerificationError("a key that is not the one in force names its successor");
    }
    // 3. The new one is of the same log, and no key of either log has been like it.
    if (next.name !== old.name) {
      throw new VerificationError("the successor of a key is of another log");
    }
    const known = [...this.#logs.values()].flatMap(({ keys }) => keys);
    const isKnown =
      known.some((key) => equalBytes(key.publicKey, next.publicKey)) ||
      log.keys.some((key) => equalBytes(key.keyId, next.keyId));
    if (isKnown) {
      throw new VerificationError("the successor of a key is no new key");
    }
    // 4. The old key says so itself.
    const names = [this.#origin, old.vkey, next.vkey].map((name) => lp(utf8(name)));
    const message = concat(DOMAIN, ...names, le(this.#changes, 8));
    const signature = fromHex(text(members.signature, "signature"), 64);
    if (!(await isSigned(old.publicKey, message, signature))) {
      throw new VerificationError("a change of keys is not signed by the old key");
    }
    log.keys.push(next);
  }

  #retire(old: Key): void {
    const log = this.#of(old.name);
    // 2. It has a successor.
    if (!log.keys.slice(log.retired, -1).some((key) => key.vkey === old.vkey)) {
      throw new VerificationError("a key is retired that has no successor");
    }
    log.retired++;
  }

  #of(origin: string): LogKeys {
    const log = this.#logs.get(origin);
    if (log === undefined) {
      throw new FormatError("the key of another log");
    }
    return log;
  }
}
