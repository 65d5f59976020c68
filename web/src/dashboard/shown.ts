// Whether events that the service shows are those of the log.

import { FormatError, type RemoteLog } from "../client.ts";
import { canonicalJson, type Json } from "../verify/json.ts";
import { equalBytes, toBase64, utf8 } from "../verify/wire.ts";
import type { LogEvent, Placed } from "./documents.ts";

/** Members of each event that is about it, such as its `claim_id`. */
export type Subject = Readonly<Record<string, string>>;

/**
 * Compare each with the entry at its index, and with what it is shown for. `Lie` for one that
 * differs; `false` if the log that was verified does not reach so far yet.
 */
export async function requireShown(
  log: RemoteLog,
  shown: readonly Placed<LogEvent>[],
  subject: Subject,
): Promise<boolean> {
  for (const { index, event } of shown) {
    if (index >= log.size) {
      return false;
    }
    const entry = await log.entry(index);
    const other = Object.entries(subject).find(([member, value]) => event[member] !== value);
    if (other !== undefined || !isSpelt(event, entry)) {
      const why =
        other === undefined
          ? `the service shows another event ${index} than the log has`
          : `the service shows event ${index} for the ${other.join(" ")}, which it is not about`;
      const shownAs = toBase64(utf8(JSON.stringify(event)));
      const file = { path: `event ${index} as shown`, data: shownAs };
      throw await log.accuse("answer-differs", why, [index], [file]);
    }
  }
  return true;
}

/** Whether two documents of the service say the same. */
export function isSame(one: unknown, other: unknown): boolean {
  return equalBytes(canonicalJson(one as Json), canonicalJson(other as Json));
}

/** Whether bytes are the one spelling of an event. */
function isSpelt(event: LogEvent, bytes: Uint8Array): boolean {
  try {
    return equalBytes(canonicalJson(event as Json), bytes);
  } catch (error) {
    if (error instanceof FormatError) {
      return false;
    }
    throw error;
  }
}
