import type { JSX } from "preact";
import type { Merchant } from "../documents.ts";
import { checkOf, hasNewKeys } from "../trust.ts";
import { format, texts } from "../words.ts";
import { SourceBadge } from "./parts.tsx";

/** One line under the head of every page of a merchant: what of its logs this page has checked. */
export function Strip({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.strip;
  const events = checkOf(merchant, "events").value;
  const purchases = checkOf(merchant, "purchases").value;
  const states = [events.state, purchases.state];
  if (states.includes("opening")) {
    return <p class="strip">{said.opening}</p>;
  }
  if (events.log === undefined || purchases.log === undefined || states.includes("false")) {
    return (
      <p class="strip warn">
        {states.includes("false") ? texts.value.lie.title : said.unreachable}
      </p>
    );
  }
  if (events.isStale || purchases.isStale) {
    return <p class="strip warn">{said.stale(events.log.size, purchases.log.size)}</p>;
  }
  const seen = events.before;
  const isRekeyed = hasNewKeys(events) || hasNewKeys(purchases);
  return (
    <p class="strip good">
      <SourceBadge source="checked" /> {said.checked(events.log.size, purchases.log.size)}{" "}
      {seen === undefined ? said.first : said.grown(format.value.ago(seen.at, new Date()))}
      {isRekeyed && <strong class="warn"> {said.newKeys}</strong>}
    </p>
  );
}
