// Charts of the figures of claims.

import type { JSX } from "preact";
import type { Overview } from "../../client.ts";
import { byStep, endOf, stepFor, sumBy } from "../series.ts";
import { format, texts, word } from "../words.ts";
import { Chart } from "./chart.tsx";
import type { Source } from "./parts.tsx";

const STATES = [
  "completed",
  "approved",
  "in_process",
  "under_review",
  "needs_information",
  "disputed",
  "declined",
  "canceled",
];
const RESPONSES = ["met", "open", "missed", "overdue"] as const;
const FIRST_DURATION = 2 + RESPONSES.length; // the column behind policy, version and counts

interface ChartsProps {
  overview: Overview;
  source: Source;
  /** What the files are called. */
  name: string;
}

export function ClaimsOverTime({ overview, source, name }: ChartsProps): JSX.Element {
  const said = texts.value;
  const step = stepFor(overview.claims.map((row) => row.day));
  const rows = byStep(overview.claims, step, (row) => row.state);
  const present = STATES.filter((state) => rows.some((row) => row.key === state));
  const stacked = present.flatMap((state) => rows.filter((row) => row.key === state));
  return (
    <Chart
      title={said.claims.overTime}
      {...{ name, source }}
      drawing={{
        kind: "steps",
        step,
        rows: stacked.map((row) => ({ ...row, end: endOf(row.start, step) })),
      }}
      series={present.map((key) => ({ key, title: word(said.codes.states, key) }))}
      columns={[
        { name: step, title: said.chart[step] },
        { name: "state", title: said.chart.state },
        { name: "count", title: said.chart.count },
      ]}
      rows={rows.map((row) => [row.start, row.key, row.count])}
      empty={said.claims.none}
    />
  );
}

interface SharesProps {
  title: string;
  empty: string;
  source: Source;
  name: string;
  counts: { code: string; count: number }[];
  /** What the counts are by: the name of the column, its title, and the words of its codes. */
  by: { name: string; title: string; words: Readonly<Record<string, string>> };
  /** Whether each bar has the colour of its own code. */
  isColoured?: boolean;
}

/** Counts by one code, as bars, the longest first. */
export function Shares(props: SharesProps): JSX.Element {
  const { title, empty, source, name, counts, by, isColoured = false } = props;
  const sums = [...sumBy(counts, (row) => row.code)].sort((one, other) => other[1] - one[1]);
  const rows = sums.map(([code, count]) => ({
    label: word(by.words, code),
    key: isColoured ? code : "plain",
    count,
  }));
  return (
    <Chart
      {...{ title, name, source, empty }}
      drawing={{ kind: "bars", rows }}
      columns={[
        { name: by.name, title: by.title },
        { name: "count", title: texts.value.chart.count },
      ]}
      rows={sums}
    />
  );
}

export function Responses({ overview, source, name }: ChartsProps): JSX.Element {
  const said = texts.value;
  const { responses } = overview;
  const rows = responses.flatMap((row) =>
    RESPONSES.map((key) => ({
      label: `${row.policy}${said.marks.comma}${said.policies.version(row.version)}`,
      key,
      count: row[key],
    })),
  );
  return (
    <Chart
      title={said.claims.responses}
      {...{ name, source }}
      drawing={{ kind: "bars", rows }}
      series={RESPONSES.map((key) => ({ key, title: said.codes.responses[key] }))}
      columns={[
        { name: "policy", title: said.chart.policy },
        { name: "version", title: said.chart.version },
        ...RESPONSES.map((key) => ({ name: key, title: said.codes.responses[key] })),
        { name: "median_seconds", title: said.chart.median },
        { name: "p90_seconds", title: said.chart.p90 },
      ]}
      rows={responses.map((row) => [
        row.policy,
        row.version,
        ...RESPONSES.map((key) => row[key]),
        row.median,
        row.p90,
      ])}
      written={(cell, place) =>
        typeof cell === "number" && place >= FIRST_DURATION ? format.value.duration(cell) : cell
      }
      empty={said.claims.noResponses}
    />
  );
}
