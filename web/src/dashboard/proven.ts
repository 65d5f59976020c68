// Whether this page has found in the log what the service shows of it.

import { useEffect, useState } from "preact/hooks";
import type { LogEvent, Merchant, Placed } from "./documents.ts";
import { requireShown } from "./shown.ts";
import { checkOf, tell } from "./trust.ts";

/** Whether all events are in the log just as they are shown; whatever differs is told. */
export function useProven(merchant: Merchant, shown: readonly Placed<LogEvent>[]): boolean {
  const { log } = checkOf(merchant, "events").value;
  const [proven, setProven] = useState("");
  const wanted = JSON.stringify(shown);
  useEffect(() => {
    if (log !== undefined) {
      requireShown(log, JSON.parse(wanted)).then(
        (isAll) => isAll && setProven(wanted),
        (error) => tell(merchant.origin, error),
      );
    }
  }, [log, wanted, merchant]);
  return shown.length > 0 && proven === wanted;
}
