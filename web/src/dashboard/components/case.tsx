import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Case, LogEvent, Merchant, Placed, Step } from "../documents.ts";
import { requireShown } from "../shown.ts";
import { checkOf, tell } from "../trust.ts";
import { format, texts, word } from "../words.ts";
import { Card, Go, Moment } from "./parts.tsx";

interface CaseProps {
  merchant: Merchant;
  found: Case;
}

/** What became of a claim, each event held against the log. */
export function CaseCard({ merchant, found }: CaseProps): JSX.Element {
  const said = texts.value.claim;
  const events: Placed<LogEvent>[] = [found.decision, ...found.steps];
  const isChecked = useComparison(merchant, events);
  return (
    <Card title={said.case} source={isChecked ? "checked" : "said"}>
      {isChecked && <p class="fine">{said.caseChecked}</p>}
      <ol class="history">
        {events.map(({ index, event }) => (
          <li key={index}>
            <Moment time={event.time} />{" "}
            <Go to={{ page: "entry", merchant: merchant.id, log: "events", index }}>
              {sentence(event)}
            </Go>
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** Whether all events are in the log just as they are shown. */
function useComparison(merchant: Merchant, shown: Placed<LogEvent>[]): boolean {
  const { log } = checkOf(merchant, "events").value;
  const [compared, setCompared] = useState("");
  const wanted = JSON.stringify(shown);
  useEffect(() => {
    if (log !== undefined) {
      requireShown(log, merchant.logs.events, shown).then(
        (isAll) => isAll && setCompared(wanted),
        (error) => tell(merchant.origin, error),
      );
    }
  }, [log, wanted]);
  return compared === wanted;
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
    step.wants?.map((want) => word(said.codes.wants, want)).join(", "),
    step.shop,
    step.attachments.length > 0 && said.claim.attachments(step.attachments.length),
  ].filter((part) => typeof part === "string");
  const what = `${who}: ${word(said.codes.steps, step.step)}`;
  return more.length === 0 ? what : `${what} (${more.join("; ")})`;
}
