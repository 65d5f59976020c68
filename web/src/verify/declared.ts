// Reading an event log from its declaration on: what is there must be what a log may say.

import { FormatError, VerificationError } from "./errors.ts";
import { text } from "./json.ts";
import { type Declaration, parseDeclaration, parseEvent } from "./ledger/events.ts";
import type { VerifiedLog } from "./ledger/log.ts";
import { SUITE } from "./zk/group.ts";

/** What event 0 declares. `Lie` if it declares nothing, or another log. */
export async function readDeclaration(events: VerifiedLog): Promise<Declaration> {
  const data = await events.entry(0);
  try {
    const event = parseEvent(data);
    const declaration = parseDeclaration(event);
    if (declaration.events.name !== events.origin) {
      throw new FormatError("the declaration is of another log");
    }
    if (text(event.members.suite, "suite") !== SUITE) {
      throw new FormatError("the declaration names another ciphersuite");
    }
    return declaration;
  } catch (error) {
    throw await accused(events, error, 0);
  }
}

/** The lie that an entry is which no log may have; any other error as it is. */
export async function accused(
  events: VerifiedLog,
  error: unknown,
  index: number,
): Promise<unknown> {
  if (error instanceof FormatError || error instanceof VerificationError) {
    return events.accuse("false-history", error.message, [index]);
  }
  return error;
}
