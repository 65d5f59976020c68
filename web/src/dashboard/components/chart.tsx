// A chart with its key, the same as a table, and both as files.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Cell, toCsv } from "../csv.ts";
import type { Drawing } from "../drawing.ts";
import { save, saveJson } from "../saving.ts";
import { language, texts } from "../words.ts";
import { type Source, SourceBadge, Table } from "./parts.tsx";

interface Column {
  name: string;
  title: string;
}

interface Series {
  key: string;
  title: string;
}

interface ChartProps {
  title: string;
  /** What its files are called. */
  name: string;
  source: Source;
  drawing: Drawing;
  series?: Series[];
  columns: Column[];
  rows: Cell[][];
  /** How the table writes a cell that the files have as it is. */
  written?: (cell: Cell, place: number) => Cell;
  /** What to say where there is nothing to draw. */
  empty: string;
}

export function Chart(props: ChartProps): JSX.Element {
  const { title, source, series = [], rows, empty } = props;
  return (
    <section class="card chart">
      <div class="card-head">
        <h2>{title}</h2>
        <SourceBadge source={source} />
      </div>
      {rows.length === 0 ? (
        <p class="soft">{empty}</p>
      ) : (
        <>
          {series.length > 1 && <Key series={series} />}
          <Picture {...props} />
          <Files {...props} />
        </>
      )}
    </section>
  );
}

function Key({ series }: { series: Series[] }): JSX.Element {
  return (
    <ul class="key">
      {series.map(({ key, title }) => (
        <li key={key} class={`series-${key}`}>
          {title}
        </li>
      ))}
    </ul>
  );
}

function Picture({ title, drawing }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const spoken = language.value;
  const wanted = JSON.stringify(drawing);
  useEffect(() => {
    let isCurrent = true;
    void import("../drawing.ts").then(({ draw }) => {
      if (isCurrent && width > 0) {
        place.current?.replaceChildren(draw(JSON.parse(wanted), width, spoken));
      }
    });
    return () => {
      isCurrent = false;
    };
  }, [wanted, width, spoken]);
  return <div ref={place} class="picture" role="img" aria-label={title} />;
}

function Files({ title, name, columns, rows, written = same }: ChartProps): JSX.Element {
  const { chart } = texts.value;
  const names = columns.map((column) => column.name);
  const documents = rows.map((row) =>
    Object.fromEntries(names.map((column, place) => [column, row[place]])),
  );
  return (
    <div class="files">
      <details>
        <summary>{chart.table}</summary>
        <Table
          caption={title}
          columns={columns.map((column) => column.title)}
          rows={rows.map((row) => row.map(written))}
        />
      </details>
      <button
        type="button"
        class="plain"
        aria-label={chart.download(title, "CSV")}
        onClick={() => save(`${name}.csv`, "text/csv", toCsv(names, rows))}
      >
        CSV
      </button>
      <button
        type="button"
        class="plain"
        aria-label={chart.download(title, "JSON")}
        onClick={() => saveJson(name, documents)}
      >
        JSON
      </button>
    </div>
  );
}

function same(cell: Cell): Cell {
  return cell;
}

/** How wide an element is, now and when that changes. */
function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => {
      setWidth(Math.floor(entry?.contentRect.width ?? 0));
    });
    if (place.current !== null) {
      watcher.observe(place.current);
    }
    return () => watcher.disconnect();
  }, [place]);
  return width;
}
