import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { RemoteLog } from "../../client.ts";
import { Chart } from "../components/chart.tsx";
import {
  Badge,
  Card,
  Facts,
  Moment,
  Progress,
  Table,
  Verbatim,
  Waiting,
} from "../components/parts.tsx";
import type { Close, Declaration, Events, Merchant, ServedOverview } from "../documents.ts";
import { eventOf, hexOf, useEntry } from "../entries.ts";
import { isSmall } from "../figures.ts";
import { useProven } from "../proven.ts";
import type { LogName } from "../router.ts";
import { type Answer, place, useAnswer } from "../service.ts";
import { checkOf, hasNewKeys, originOf, tell } from "../trust.ts";
import { format, texts } from "../words.ts";

const LATE = 24 * 3600 * 1000; // milliseconds; witnesses are asked at each checkpoint
const LAST_CLOSES = 8; // the rate is that of a week of days, and more of other logs
const DAY = 24 * 3600 * 1000;

export function LogPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.log;
  const closes = useAnswer<Events>(place(merchant.id, "events?types=log.declared,log.closed"));
  const overview = useAnswer<ServedOverview>(place(merchant.id, "overview"));
  return (
    <>
      <h1>{said.title}</h1>
      <p class="lead">{said.lead}</p>
      <div class="columns">
        <LogCard merchant={merchant} name="purchases" served={overview.document?.purchases} />
        <LogCard merchant={merchant} name="events" served={overview.document?.events} />
      </div>
      <Witnesses merchant={merchant} />
      <Growth merchant={merchant} answer={closes} />
      <Card title={said.follow}>
        <p>{said.followLead}</p>
        <Verbatim>
          {(["purchases", "events"] as const)
            .map((name) => followed(merchant.logs[name]))
            .join("\n")}
        </Verbatim>
      </Card>
    </>
  );
}

function followed({ url, vkeys }: Merchant["logs"]["events"]): string {
  const keys = vkeys.map((vkey) => `--key '${vkey}'`);
  return `kvitto log monitor ${location.origin}${url} ${keys.join(" ")}`;
}

interface LogCardProps {
  merchant: Merchant;
  name: LogName;
  /** How many entries the service says it has read. */
  served: number | undefined;
}

function LogCard({ merchant, name, served }: LogCardProps): JSX.Element {
  const said = texts.value.log;
  const { number, ago } = format.value;
  const check = checkOf(merchant, name).value;
  const { log, before } = check;
  const newest = log && newestCosignature(log);
  const facts: [string, ComponentChildren][] = [
    [said.verifiedNow, log && number(log.size)],
    [said.saidNow, served !== undefined && number(served)],
    [
      said.seenBefore,
      before === undefined ? said.never : `${number(before.size)}, ${ago(before.at, new Date())}`,
    ],
    [
      said.checkpointAge,
      log && (newest === undefined ? said.noCosignature : ago(newest, new Date())),
    ],
    [said.root, log && <code>{hexOf(log.root)}</code>],
    [said.origin, <code key="origin">{originOf(merchant, name)}</code>],
    [
      said.keys,
      <>
        {(log?.signers ?? merchant.logs[name].vkeys).map((vkey) => (
          <code key={vkey}>{vkey} </code>
        ))}
        {hasNewKeys(check) && <Badge tone="warn">{said.newKeys}</Badge>}
      </>,
    ],
  ];
  return (
    <Card title={said[name]} source={log === undefined ? "said" : "checked"}>
      {check.state === "false" && <p class="bad">{texts.value.lie.title}</p>}
      {check.state === "unreachable" && <p>{texts.value.strip.unreachable}</p>}
      <Facts of={facts} />
      {log !== undefined && <HashAll merchant={merchant} log={log} />}
    </Card>
  );
}

type Hashing = { state: "idle" | "failed" } | { state: "running" | "done"; done: number };

/** Downloads every entry, so that what was hashed is all that was signed. */
function HashAll({ merchant, log }: { merchant: Merchant; log: RemoteLog }): JSX.Element {
  const said = texts.value;
  const [hashing, setHashing] = useState<Hashing>({ state: "idle" });
  const hash = async (): Promise<void> => {
    setHashing({ state: "running", done: 0 });
    try {
      await log.checkAll({ onProgress: (done) => setHashing({ state: "running", done }) });
      setHashing({ state: "done", done: log.size });
    } catch (error) {
      tell(merchant.origin, error);
      setHashing({ state: "failed" });
    }
  };
  return (
    <div role="status">
      {hashing.state === "running" && <Progress done={hashing.done} total={log.size} />}
      {hashing.state === "done" && <p class="good">✓ {said.log.checkedAll(hashing.done)}</p>}
      {hashing.state === "failed" && <p class="bad">{said.recount.failed}</p>}
      {hashing.state !== "running" && (
        <button type="button" onClick={() => void hash()}>
          {said.log.checkAll}
        </button>
      )}
    </div>
  );
}

function newestCosignature({ cosignatures }: RemoteLog): string | undefined {
  const times = cosignatures.map(({ time }) => time);
  return times.length === 0 ? undefined : new Date(Math.max(...times) * 1000).toISOString();
}

function Witnesses({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.log;
  const isChecked =
    merchant.witnesses.length > 0 && checkOf(merchant, "events").value.log !== undefined;
  return (
    <Card title={said.witnesses} source={isChecked ? "checked" : undefined}>
      <p>{merchant.witnesses.length === 0 ? said.noWitnesses : said.witnessLead}</p>
      {merchant.witnesses.length > 0 && (
        <Table
          caption={said.cosigned}
          columns={[said.witness, said.cosignedBoth.events, said.cosignedBoth.purchases]}
          rows={merchant.witnesses.map(({ name, vkey }) => [
            <code key="name">{name}</code>,
            <Cosigned key="events" merchant={merchant} log="events" vkey={vkey} />,
            <Cosigned key="purchases" merchant={merchant} log="purchases" vkey={vkey} />,
          ])}
        />
      )}
      <p class="fine">{said.seedWitnesses(merchant.seed_witnesses.length)}</p>
    </Card>
  );
}

interface CosignedProps {
  merchant: Merchant;
  log: LogName;
  vkey: string;
}

function Cosigned({ merchant, log: name, vkey }: CosignedProps): JSX.Element {
  const said = texts.value.log;
  const { log } = checkOf(merchant, name).value;
  if (log === undefined) {
    return <>–</>;
  }
  const found = log.cosignatures.find((cosignature) => cosignature.vkey === vkey);
  if (found === undefined) {
    return <Badge tone="warn">{said.absent}</Badge>;
  }
  const now = new Date();
  const time = new Date(found.time * 1000).toISOString();
  const isLate = now.getTime() - found.time * 1000 > LATE;
  return (
    <>
      <time dateTime={time}>{format.value.ago(time, now)}</time>{" "}
      {isLate && <Badge tone="warn">{said.late}</Badge>}
    </>
  );
}

interface GrowthProps {
  merchant: Merchant;
  answer: Answer<Events>;
}

function Growth({ merchant, answer }: GrowthProps): JSX.Element {
  const said = texts.value;
  const shown = answer.document?.events ?? [];
  // Closes are all over the log: to prove them is to read most of it.
  const size = checkOf(merchant, "events").value.log?.size;
  const isProven = useProven(merchant, size !== undefined && isSmall(size) ? shown : []);
  const source = isProven ? "checked" : "said";
  const last = useEntry(merchant, "events", (size ?? 1) - 1);
  const lastEvent = last.state === "proven" ? eventOf(last.bytes)?.time : undefined;
  if (answer.document === undefined) {
    return <Waiting answer={answer} />;
  }
  const events = shown.map(({ event }) => event);
  const declared = events.find(({ type }) => type === "log.declared") as Declaration | undefined;
  const closes = events.filter(({ type }) => type === "log.closed") as Close[];
  const rows = closes.map(({ time, size }) => ({ time, size }));
  const rate = rateOf(closes.slice(-LAST_CLOSES));
  return (
    <>
      <Chart
        title={said.log.growth}
        source={source}
        name={`${merchant.id}-growth`}
        drawing={{ kind: "growth", rows }}
        columns={[
          { name: "time", title: said.chart.time },
          { name: "size", title: said.chart.size },
        ]}
        rows={rows.map(({ time, size }) => [time, size])}
        empty={said.state.missing}
      />
      <Card title={said.log.declared} source={source}>
        <Facts
          of={[
            [said.log.lastEvent, lastEvent && <Moment key="event" time={lastEvent} />],
            [
              said.log.lastClose,
              rows.length > 0 && <Moment key="close" time={rows.at(-1)?.time ?? ""} />,
            ],
            [said.log.rate, rate !== undefined && said.log.perDay(format.value.number(rate))],
            [said.log.capacity, declared && format.value.number(declared.capacity)],
            [said.log.period, declared && said.log.periods[declared.period]],
            [said.log.window, declared && said.log.windowPeriods(declared.void_window)],
          ]}
        />
      </Card>
    </>
  );
}

/** Entries a day between the first and the last of some closes. */
function rateOf(closes: Close[]): number | undefined {
  const [first, last] = [closes[0], closes.at(-1)];
  if (first === undefined || last === undefined || first.time === last.time) {
    return undefined;
  }
  const days = (Date.parse(last.time) - Date.parse(first.time)) / DAY;
  return Math.round((last.size - first.size) / days);
}
