import type { JSX } from "preact";
import type { Overview } from "../../client.ts";
import { ClaimsOverTime } from "../components/claim-charts.tsx";
import { Card, Go, Progress, type Source, SourceBadge, Waiting } from "../components/parts.tsx";
import type { Findings, Merchant } from "../documents.ts";
import { countAgain, isSmall, recountOf, useFigures } from "../figures.ts";
import type { Room } from "../router.ts";
import { sumBy, total } from "../series.ts";
import { place, useAnswer } from "../service.ts";
import { checkOf } from "../trust.ts";
import { format, texts } from "../words.ts";

export function OverviewPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const { answer, overview, source } = useFigures(merchant);
  const findings = useAnswer<Findings>(place(merchant.id, "findings")).document;
  return (
    <>
      <h1>{merchant.name}</h1>
      {overview === undefined ? (
        <Waiting answer={answer} />
      ) : (
        <>
          {overview.at !== null && (
            <p class="lead">{texts.value.overview.at(format.value.moment(overview.at))}</p>
          )}
          <Figures merchant={merchant.id} overview={overview} findings={findings} source={source} />
          <ClaimsOverTime overview={overview} source={source} name={`${merchant.id}-claims`} />
        </>
      )}
      <RecountCard merchant={merchant} />
    </>
  );
}

interface FiguresProps {
  merchant: string;
  overview: Overview;
  findings: Findings | undefined;
  source: Source;
}

function Figures({ merchant, overview, findings, source }: FiguresProps): JSX.Element {
  const said = texts.value.overview;
  const { number, percent } = format.value;
  const claims = total(overview.claims);
  const states = sumBy(overview.claims, (row) => row.state);
  const granted = ["approved", "in_process", "completed"].reduce(
    (sum, state) => sum + (states.get(state) ?? 0),
    0,
  );
  const declined = states.get("declined") ?? 0;
  const met = overview.responses.reduce((sum, row) => sum + row.met, 0);
  const due = overview.responses.reduce((sum, row) => sum + row.met + row.missed + row.overdue, 0);
  const share = (part: number, whole: number): string =>
    whole === 0 ? "–" : percent(part / whole);
  return (
    <ul class="figures">
      <Figure room="claims" {...{ merchant, source }} title={said.claims} value={number(claims)} />
      <Figure
        room="claims"
        {...{ merchant, source }}
        title={said.approved}
        value={share(granted, claims)}
        more={said.of(granted, claims)}
      />
      <Figure
        room="claims"
        {...{ merchant, source }}
        title={said.declined}
        value={share(declined, claims)}
        more={said.of(declined, claims)}
      />
      <Figure
        room="claims"
        {...{ merchant, source }}
        title={said.onTime}
        value={share(met, due)}
        more={due === 0 ? said.noAnswers : said.of(met, due)}
      />
      <Figure
        room="claims"
        {...{ merchant, source }}
        title={said.voids}
        value={number(total(overview.voids))}
      />
      {findings && (
        <Figure
          room="findings"
          merchant={merchant}
          source="said"
          title={said.findings}
          value={number(findings.findings.length + findings.disagreements.length)}
          more={noted(findings)}
          tone={toneOf(findings)}
        />
      )}
    </ul>
  );
}

interface FigureProps {
  merchant: string;
  room: Room;
  title: string;
  value: string;
  more?: string;
  tone?: string;
  source: Source;
}

function Figure({ merchant, room, title, value, more, tone, source }: FigureProps): JSX.Element {
  return (
    <li class="card figure">
      <p class="figure-title">
        <Go to={{ page: room, merchant }}>{title}</Go>
      </p>
      <p class="figure-value">{value}</p>
      <p class={tone ?? "soft"}>{more ?? "\u00a0"}</p>
      <SourceBadge source={source} />
    </li>
  );
}

function noted(found: Findings): string {
  const said = texts.value.overview;
  return said.noted(found.disagreements.length, alarmsOf(found));
}

/** What is wrong stands out. */
function toneOf(found: Findings): string {
  return found.disagreements.length + alarmsOf(found) > 0 ? "bad" : "soft";
}

function alarmsOf({ findings }: Findings): number {
  return findings.filter((finding) => finding.severity === "alarm").length;
}

function RecountCard({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.recount;
  const { log } = checkOf(merchant, "events").value;
  const recount = recountOf(merchant).value;
  return (
    <Card title={said.title} source={recount.state === "same" ? "checked" : undefined}>
      <p>
        {said.lead} {log !== undefined && isSmall(log.size) && said.small}
      </p>
      {recount.state === "running" && <Progress done={recount.done} total={recount.total} />}
      {recount.state === "same" && (
        <p class="good" role="status">
          ✓ {said.same(recount.total, format.value.milliseconds(recount.milliseconds))}
        </p>
      )}
      {recount.state === "behind" && <p role="status">{said.behind}</p>}
      {recount.state === "failed" && <p role="status">{said.failed}</p>}
      {recount.state === "false" && <p class="bad">{said.differs}</p>}
      {log !== undefined && recount.state !== "running" && (
        <p>
          <button type="button" onClick={() => void countAgain(merchant)}>
            {said.start(log.size)}
          </button>
        </p>
      )}
      <p class="fine">{said.deeper}</p>
    </Card>
  );
}
