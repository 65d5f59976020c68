import type { JSX } from "preact";
import type { LogEvent, Merchant, Placed, Step } from "../documents.ts";
import { format, texts, word } from "../words.ts";
import { History } from "./history.tsx";
import type { Source } from "./parts.tsx";

interface CaseProps {
  merchant: Merchant;
  events: readonly Placed<LogEvent>[];
  source: Source;
}

/** What became of a claim, event after event. */
export function CaseCard({ merchant, events, source }: CaseProps): JSX.Element {
  const said = texts.value.claim;
  return (
    <History
      title={said.case}
      merchant={merchant}
      events={events}
      source={source}
      sentence={sentence}
    >
      {source === "checked" && <p class="fine">{said.caseChecked}</p>}
    </History>
  );
}

function sentence(event: LogEvent): string {
  const said = texts.value;
  if (event.type === "claim.decided") {
    return said.claim.decided;
  }
  if (event.type !== "claim.step") {
    return said.claim.retired;
  }
  const step = event as Step;
  const who = word(said.codes.by, step.by);
  const more = [
    step.resolution && word(said.codes.remedies, step.resolution),
    step.share !== undefined && step.share < 100 && format.value.percent(step.share / 100),
    step.reason && word(said.codes.reasons, step.reason),
    step.wants?.map((want) => word(said.codes.wants, want)).join(said.marks.list),
    step.shop,
    step.attachments.length > 0 && said.claim.attachments(step.attachments.length),
  ].filter((part) => typeof part === "string");
  const what = `${who}${said.marks.colon}${word(said.codes.steps, step.step)}`;
  return more.length === 0 ? what : `${what} (${more.join("; ")})`;
}
