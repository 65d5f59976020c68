import type { ComponentChildren, JSX } from "preact";
import type { LogEvent, Merchant, Placed } from "../documents.ts";
import { Card, Go, Moment, type Source } from "./parts.tsx";

interface HistoryProps {
  title: string;
  merchant: Merchant;
  events: readonly Placed<LogEvent>[];
  source: Source;
  sentence: (event: LogEvent) => string;
  children?: ComponentChildren;
}

/** Events in their order, each as a sentence that leads to its entry; `children` come first. */
export function History(props: HistoryProps): JSX.Element {
  const { title, merchant, events, source, sentence, children } = props;
  return (
    <Card title={title} source={source}>
      {children}
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
