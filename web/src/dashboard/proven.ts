// Whether this page has found in the log what the service shows of it.

import { useEffect, useState } from "preact/hooks";
import type { LogEvent, Merchant, Placed } from "./documents.ts";
import { requireShown, type Subject } from "./shown.ts";
import { checkOf, tell } from "./trust.ts";

/**
 * Whether all events are in the log just as they are shown, and have the members of what they are
 * shown for; whatever differs is told.
 */
export function useProven(
  merchant: Merchant,
  shown: readonly Placed<LogEvent>[],
  subject: Subject = {},
): boolean {
  const { log } = checkOf(merchant, "events").value;
  const [proven, setProven] = useState("");
  const wanted = JSON.stringify([shown, subject]);
  useEffect(() => {
    if (log !== undefined) {
      const [events, members] = JSON.parse(wanted) as [typeof shown, Subject];
      requireShown(log, events, members).then(
        (isAll) => isAll && setProven(wanted),
        (error) => tell(merchant.origin, error),
      );
    }
  }, [log, wanted, merchant]);
  return shown.length > 0 && proven === wanted;
}
