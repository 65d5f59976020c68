import type { ComponentChildren, JSX } from "preact";
import { Card, Facts, Go, Moment, SourceBadge, Table, Waiting } from "../components/parts.tsx";
import type { Hidden, Hours, Merchant, MonthlyReport, Report } from "../documents.ts";
import { useProven } from "../proven.ts";
import { saveJson } from "../saving.ts";
import { place, useAnswer } from "../service.ts";
import { isSame } from "../shown.ts";
import { format, texts, word } from "../words.ts";

const HOUR = 3600; // seconds
const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;

interface ReportProps {
  merchant: Merchant;
  month: string;
}

export function ReportPage({ merchant, month }: ReportProps): JSX.Element {
  const said = texts.value.reports;
  const answer = useAnswer<MonthlyReport>(
    place(merchant.id, `reports/${encodeURIComponent(month)}`),
  );
  const found = answer.document;
  const published = found?.published ?? null;
  const isProven = useProven(merchant, published === null ? [] : [published], { month });
  const report = published?.event.report ?? found?.computed ?? null;
  return (
    <>
      <h1>{said.of(MONTH.test(month) ? format.value.month(month) : month)}</h1>
      <p class="lead">{said.small}</p>
      {found === undefined && <Waiting answer={answer} />}
      {found !== undefined && <Standing merchant={merchant} found={found} isProven={isProven} />}
      {report !== null && <Sections report={report} name={`${merchant.id}-report-${month}`} />}
    </>
  );
}

interface StandingProps {
  merchant: Merchant;
  found: MonthlyReport;
  isProven: boolean;
}

/** Where the report stands in the log, and whether it is what the log says. */
function Standing({ merchant, found, isProven }: StandingProps): JSX.Element {
  const said = texts.value.reports;
  const { published, computed } = found;
  if (published === null) {
    return <p>{computed === null ? said.none_yet : said.unpublished}</p>;
  }
  const { index, event } = published;
  const holds = isSame(event.report, computed);
  return (
    <Card title={said.published} source={isProven ? "checked" : "said"}>
      <Facts
        of={[
          [said.published, <Moment key="time" time={event.time} />],
          [
            said.entry,
            <Go
              key="entry"
              to={{ page: "entry", merchant: merchant.id, log: "events", index }}
            >{`${index}`}</Go>,
          ],
        ]}
      />
      {isProven && <p class="fine">{said.inLog}</p>}
      <p class={holds ? "fine" : "bad"}>
        {holds ? said.same : said.differs} <SourceBadge source="said" />
      </p>
    </Card>
  );
}

interface SectionsProps {
  report: Report;
  /** What its file is called. */
  name: string;
}

/** The figures. That they follow from the log, this page does not compute; `kvitto audit` does. */
function Sections({ report, name }: SectionsProps): JSX.Element {
  const said = texts.value.reports;
  const { responses, voids } = report;
  const percent = (share: number | null): string =>
    share === null ? said.tooFew : format.value.percent(share / 100);
  const hours = hoursOf(responses);
  return (
    <>
      <Decided report={report} />
      <Ended report={report} />
      <Card title={said.answers} source="said">
        <Facts
          of={[
            [texts.value.chart.median, hours.median],
            [texts.value.chart.p90, hours.p90],
            [said.late, percent(responses?.late ?? null)],
            [said.overdue, percent(report.overdue)],
          ]}
        />
      </Card>
      <Card title={said.others} source="said">
        <Facts
          of={[
            [said.voids, countOf(voids.count)],
            ...codesOf(voids.reasons, texts.value.codes.voids),
            [said.transfers, countOf(report.transfers)],
          ]}
        />
      </Card>
      <p>
        <button type="button" onClick={() => saveJson(name, report)}>
          JSON
        </button>
      </p>
    </>
  );
}

type SectionProps = Omit<SectionsProps, "name">;

function Decided({ report: { decided } }: SectionProps): JSX.Element {
  const said = texts.value.reports;
  const remedies = Object.entries(texts.value.codes.remedies);
  return (
    <Card title={said.decided} source="said">
      <Facts of={[[said.claims, countOf(decided.count)]]} />
      {decided.policies.length > 0 && (
        <Table
          caption={said.decided}
          columns={[said.policy, said.claims, ...remedies.map(([, title]) => title), said.repeated]}
          rows={decided.policies.map((row) => [
            row.policy,
            countOf(row.count),
            ...remedies.map(([code]) => countOf(row.remedies[code])),
            row.repeated && said.range(row.repeated.least, row.repeated.most),
          ])}
        />
      )}
    </Card>
  );
}

function Ended({ report: { ended } }: SectionProps): JSX.Element {
  const said = texts.value.reports;
  const { chart, codes } = texts.value;
  const rows = ended.policies.map((row): ComponentChildren[] => {
    const hours = hoursOf(row.hours);
    const reasons = codesOf(row.reasons ?? {}, codes.reasons);
    return [
      row.policy,
      countOf(row.count),
      countOf(row.outcomes.completed),
      countOf(row.outcomes.declined),
      reasons.map(([reason, count]) => `${reason}: ${count}`).join("; "),
      countOf(row.outcomes.canceled),
      hours.median,
      hours.p90,
    ];
  });
  return (
    <Card title={said.ended} source="said">
      <Facts of={[[said.claims, countOf(ended.count)]]} />
      {rows.length > 0 && (
        <Table
          caption={said.ended}
          columns={[
            said.policy,
            said.claims,
            said.completed,
            said.declined,
            chart.reason,
            said.canceled,
            chart.median,
            chart.p90,
          ]}
          rows={rows}
        />
      )}
    </Card>
  );
}

/** A count in words; nothing for what cannot have been. */
function countOf(count: Hidden | undefined): string {
  if (count === undefined) {
    return "";
  }
  return count === null ? texts.value.reports.hidden : format.value.number(count);
}

function codesOf(
  counts: Record<string, Hidden>,
  words: Readonly<Record<string, string>>,
): [string, string][] {
  return Object.entries(counts).map(([code, count]) => [word(words, code), countOf(count)]);
}

function hoursOf(hours: Hours | null): { median: string; p90: string } {
  const written = (value: number | undefined): string =>
    value === undefined ? texts.value.reports.tooFew : format.value.duration(value * HOUR);
  return { median: written(hours?.median), p90: written(hours?.p90) };
}
