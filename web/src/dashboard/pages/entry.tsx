import type { JSX } from "preact";
import { Card, Facts, Go, Moment, Verbatim } from "../components/parts.tsx";
import type { LogEvent, Merchant } from "../documents.ts";
import { eventOf, hexOf, purchaseOf, useEntry } from "../entries.ts";
import type { LogName, Route } from "../router.ts";
import { texts, word } from "../words.ts";

interface EntryProps {
  merchant: Merchant;
  log: LogName;
  index: number;
}

export function EntryPage({ merchant, log, index }: EntryProps): JSX.Element {
  const said = texts.value;
  const look = useEntry(merchant, log, index);
  const to = (other: number): Route => ({
    page: "entry",
    merchant: merchant.id,
    log,
    index: other,
  });
  return (
    <>
      <h1>{said.entry.title(said.entry.logs[log], index)}</h1>
      <p class="tools">
        {index > 0 && <Go to={to(index - 1)}>← {said.entry.earlier}</Go>}
        {(look.state !== "proven" || index + 1 < look.size) && (
          <Go to={to(index + 1)}>{said.entry.later} →</Go>
        )}
      </p>
      <p role="status">{statusOf(look.state)}</p>
      {look.state === "proven" && (
        <>
          <Card title={said.entry.proven} source="checked">
            <p>{said.entry.provenMeans(look.size)}</p>
          </Card>
          {log === "events" ? (
            <EventCard merchant={merchant} bytes={look.bytes} />
          ) : (
            <PurchaseCard merchant={merchant} bytes={look.bytes} />
          )}
        </>
      )}
    </>
  );
}

function statusOf(state: string): string {
  const said = texts.value;
  const words: Record<string, string> = {
    checking: said.entry.checking,
    missing: said.entry.missing,
    unreachable: said.state.failed,
    false: said.lie.title,
  };
  return words[state] ?? "";
}

interface BytesProps {
  merchant: Merchant;
  bytes: Uint8Array;
}

function EventCard({ merchant, bytes }: BytesProps): JSX.Element {
  const said = texts.value;
  const event = eventOf(bytes);
  const text = event === undefined ? hexOf(bytes) : JSON.stringify(event, null, 2);
  const link = event === undefined ? undefined : subjectOf(event, merchant.id);
  return (
    <Card title={said.entry.decoded} source="checked">
      {event !== undefined && (
        <Facts
          of={[
            [said.entry.type, word(said.codes.events, event.type)],
            [said.entry.time, <Moment key="time" time={event.time} />],
          ]}
        />
      )}
      {link !== undefined && (
        <p>
          <Go to={link.to}>{link.title}</Go>
        </p>
      )}
      <p class="soft">{said.entry.bytes(bytes.length)}</p>
      <Verbatim>{text}</Verbatim>
    </Card>
  );
}

/** What the event is about, where that has a page. */
function subjectOf(event: LogEvent, merchant: string): { to: Route; title: string } | undefined {
  const said = texts.value.entry;
  const { claim_id, policy, month } = event;
  if (typeof claim_id === "string") {
    return { to: { page: "claim", merchant, id: claim_id }, title: said.openClaim };
  }
  if (event.type.startsWith("policy.")) {
    const id = typeof policy === "object" && policy !== null && "id" in policy ? policy.id : policy;
    return { to: { page: "policy", merchant, id: String(id) }, title: said.openPolicy };
  }
  if (typeof month === "string") {
    return { to: { page: "report", merchant, month }, title: said.openReport };
  }
  return undefined;
}

function PurchaseCard({ merchant, bytes }: BytesProps): JSX.Element {
  const said = texts.value.entry;
  const entry = purchaseOf(bytes);
  return (
    <Card title={said.decoded} source="checked">
      <p>{entry.kind === 0 ? said.unknownKind : said.kinds[entry.kind]}</p>
      {entry.kind === 2 ? (
        <p>
          <Go
            to={{
              page: "entry",
              merchant: merchant.id,
              log: "purchases",
              index: Number(entry.voided),
            }}
          >
            {said.voids} {String(entry.voided)}
          </Go>
        </p>
      ) : (
        entry.kind !== 0 && (
          <Facts of={[[said.commitment, <code key="c">{entry.commitment}</code>]]} />
        )
      )}
      <p class="soft">{said.bytes(bytes.length)}</p>
      <Verbatim>{hexOf(bytes)}</Verbatim>
    </Card>
  );
}
