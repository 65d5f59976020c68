// The small parts that pages are made of.

import type { ComponentChildren, JSX } from "preact";
import { href, type Route } from "../router.ts";
import { type Answer, pulse, Unread } from "../service.ts";
import { format, texts, word } from "../words.ts";

/** Where a figure comes from. */
export type Source = "checked" | "said";

export function SourceBadge({ source }: { source: Source }): JSX.Element {
  const { trust } = texts.value;
  const means = source === "checked" ? trust.checkedMeans : trust.saidMeans;
  return (
    <span class={`source ${source}`} title={means}>
      {trust[source]}
    </span>
  );
}

export function Badge({ tone, children }: { tone: string; children: string }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export const STATE_TONES: Readonly<Record<string, string>> = {
  under_review: "warn",
  approved: "good",
  needs_information: "warn",
  in_process: "good",
  completed: "good",
  disputed: "bad",
};

export function StateBadge({ state }: { state: string }): JSX.Element {
  return <Badge tone={STATE_TONES[state] ?? ""}>{word(texts.value.codes.states, state)}</Badge>;
}

export function Go({ to, children }: { to: Route; children: ComponentChildren }): JSX.Element {
  return <a href={href(to)}>{children}</a>;
}

export function Moment({ time }: { time: string }): JSX.Element {
  return <time dateTime={time}>{format.value.moment(time)}</time>;
}

/** The beginning of a long name of hex digits; all of it for who asks. */
export function Short({ id }: { id: string }): JSX.Element {
  return <code title={id}>{id.slice(0, 8)}…</code>;
}

/** Text as it stands, which scrolls where it is longer than there is room. */
export function Verbatim({ children }: { children: string }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it too
    <pre tabIndex={0}>
      <code>{children}</code>
    </pre>
  );
}

interface CardProps {
  title: string;
  source?: Source | undefined;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, source, class: extra = "", children }: CardProps): JSX.Element {
  return (
    <section class={`card ${extra}`}>
      <div class="card-head">
        <h2>{title}</h2>
        {source && <SourceBadge source={source} />}
      </div>
      {children}
    </section>
  );
}

/** Names and values; those without a value are left out. */
export function Facts({ of }: { of: [name: string, value: ComponentChildren][] }): JSX.Element {
  const shown = of.filter(([, value]) => value === 0 || Boolean(value));
  return (
    <dl>
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface TableProps {
  caption: string;
  columns: string[];
  rows: ComponentChildren[][];
}

/** Cells name their columns, so that rows can be read as cards where there is no room. */
export function Table({ caption, columns, rows }: TableProps): JSX.Element {
  return (
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col" key={column}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells, row) => (
          <tr key={row}>
            {cells.map((cell, place) => (
              <td key={columns[place]} data-column={columns[place]}>
                <div>{cell}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ProgressProps {
  done: number;
  total: number;
  says?: (done: number, total: number) => string;
}

export function Progress({ done, total, says }: ProgressProps): JSX.Element {
  const label = (says ?? texts.value.recount.progress)(done, total);
  return (
    <p class="measured">
      <progress value={done} max={Math.max(total, 1)} aria-label={label} />
      <span>{label}</span>
    </p>
  );
}

/** What to show until an answer is there, or instead of one. */
export function Waiting({ answer }: { answer: Answer<unknown> }): JSX.Element {
  const { state } = texts.value;
  if (answer.problem === undefined) {
    return <p class="soft">{state.loading}</p>;
  }
  if (answer.problem instanceof Unread) {
    const { done, total } = answer.problem;
    return <Progress done={done} total={total} says={state.reading} />;
  }
  if (answer.problem.status === 404) {
    return <p>{state.missing}</p>;
  }
  return (
    <p>
      {state.failed}{" "}
      <button type="button" onClick={() => (pulse.value += 1)}>
        {state.again}
      </button>
    </p>
  );
}
