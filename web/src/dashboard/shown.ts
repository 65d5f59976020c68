// Whether events that the service shows are those of the log.

import { Lie, type RemoteLog } from "../client.ts";
import { toBase64, utf8 } from "../verify/wire.ts";
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
    if (new TextDecoder().decode(entry) !== canonical(event)) {
      throw new Lie({
        type: "kvitto-page-evidence/v1",
        kind: "answer-differs",
        why: `the service shows another event ${index} than the log has`,
        place: place.url,
        vkeys: place.vkeys,
        witnesses: [],
        notes: [toBase64(utf8(log.note))],
        fork: null,
        files: [{ path: `event ${index} as shown`, data: toBase64(utf8(canonical(event))) }],
        entries: [{ log: log.origin, index, data: toBase64(entry) }],
      });
    }
  }
  return true;
}

/** RFC 8785 for events, which have no fractions. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
