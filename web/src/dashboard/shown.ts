// Whether events that the service shows are those of the log.

import { FormatError, Lie, type RemoteLog } from "../client.ts";
import { canonicalJson, type Json } from "../verify/json.ts";
import { equalBytes, toBase64, utf8 } from "../verify/wire.ts";
import type { LogEvent, LogPlace, Placed } from "./documents.ts";

/**
 * Compare each with the entry at its index. `Lie` for one that differs; `false` if the log that was
 * verified does not reach so far yet.
 */
export async function requireShown(
  log: RemoteLog,
  place: LogPlace,
  shown: readonly Placed<LogEvent>[],
): Promise<boolean> {
  for (const { index, event } of shown) {
    if (index >= log.size) {
      return false;
    }
    const entry = await log.entry(index);
    if (!isSpelt(event, entry)) {
      throw new Lie({
        type: "kvitto-page-evidence/v1",
        kind: "answer-differs",
        why: `the service shows another event ${index} than the log has`,
        place: place.url,
        vkeys: place.vkeys,
        witnesses: [],
        notes: [toBase64(utf8(log.note))],
        fork: null,
        files: [{ path: `event ${index} as shown`, data: toBase64(utf8(JSON.stringify(event))) }],
        entries: [{ log: log.origin, index, data: toBase64(entry) }],
      });
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
