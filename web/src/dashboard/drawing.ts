// The charts, as SVG. This module comes with the library, and is loaded when the first is drawn.

import { areaY, barX, lineY, plot, rectY, ruleX, ruleY, text } from "@observablehq/plot";
import type { Language } from "./format.ts";
import type { Step } from "./series.ts";

/** What a chart shows; `key` names a series, whose colour is the custom property `--series-key`. */
export type Drawing =
  | {
      kind: "steps";
      step: Step;
      rows: { start: string; end: string; key: string; count: number }[];
    }
  | { kind: "bars"; rows: { label: string; key: string; count: number }[] }
  | { kind: "growth"; rows: { time: string; size: number }[] };

const FONT = 12;
const ROW = 30; // pixels for each bar
const BELOW = 28; // and for the axis
const TALL = 240;
const LETTER = 6.6; // pixels of an average letter in this size
const WIDE_LETTER = 12.5; // and of a Chinese one

/** Draw it as wide as there is room. */
export function draw(drawing: Drawing, width: number, language: Language): SVGElement {
  const svg = picture(drawing, width, language);
  // The library brings an inline style sheet, which the page's policy forbids: see dashboard.css.
  svg.querySelector("style")?.remove();
  // The picture as a whole has a name; its parts are no images of their own.
  for (const part of svg.querySelectorAll("[aria-label]")) {
    part.removeAttribute("aria-label");
  }
  return svg;
}

function picture(drawing: Drawing, width: number, language: Language): SVGElement {
  switch (drawing.kind) {
    case "steps":
      return steps(drawing.rows, drawing.step, width, language);
    case "bars":
      return bars(drawing.rows, width, language);
    case "growth":
      return growth(drawing.rows, width, language);
  }
}

function steps(
  rows: { start: string; end: string; key: string; count: number }[],
  step: Step,
  width: number,
  language: Language,
): SVGElement {
  const placed = rows.map((row) => ({ ...row, from: new Date(row.start), to: new Date(row.end) }));
  return plot({
    ...frame(width, TALL),
    x: timeAxis(width, language, step === "month"),
    y: counts(language, tallest(rows)),
    marks: [
      rectY(placed, { x1: "from", x2: "to", y: "count", fill: colour, insetLeft: 0.5 }),
      ruleY([0]),
    ],
  }) as SVGElement;
}

function bars(
  rows: { label: string; key: string; count: number }[],
  width: number,
  language: Language,
): SVGElement {
  const labels = [...new Set(rows.map((row) => row.label))];
  const longest = Math.max(...labels.map(widthOf));
  const sums = labels.map((label) => ({
    label,
    sum: rows.filter((row) => row.label === label).reduce((sum, row) => sum + row.count, 0),
  }));
  return plot({
    ...frame(width, labels.length * ROW + BELOW),
    marginTop: 0,
    marginBottom: BELOW,
    marginLeft: Math.min(longest + 12, width * 0.45),
    marginRight: 40,
    x: counts(language, Math.max(...sums.map(({ sum }) => sum))),
    y: { label: null, domain: labels, tickSize: 0 },
    marks: [
      barX(rows, { y: "label", x: "count", fill: colour, insetTop: 3, insetBottom: 3 }),
      text(sums, {
        y: "label",
        x: "sum",
        text: ({ sum }: { sum: number }) => sum.toLocaleString(language),
        textAnchor: "start",
        dx: 5,
      }),
      ruleX([0]),
    ],
  }) as SVGElement;
}

function growth(
  rows: { time: string; size: number }[],
  width: number,
  language: Language,
): SVGElement {
  const placed = rows.map((row) => ({ at: new Date(row.time), size: row.size }));
  return plot({
    ...frame(width, TALL),
    x: timeAxis(width, language, false),
    y: { ...counts(language, rows.at(-1)?.size ?? 0), zero: true },
    marks: [
      areaY(placed, {
        x: "at",
        y1: 0,
        y2: "size",
        curve: "step-after",
        fill: "var(--series)",
        opacity: 0.2,
      }),
      lineY(placed, { x: "at", y: "size", curve: "step-after", stroke: "var(--series)" }),
      ruleY([0]),
    ],
  }) as SVGElement;
}

function frame(width: number, height: number): object {
  return { width, height, color: { type: "identity" }, style: { fontSize: `${FONT}px` } };
}

function timeAxis(width: number, language: Language, isMonths: boolean): object {
  const parts: Intl.DateTimeFormatOptions = isMonths
    ? { year: "2-digit", month: "short" }
    : { month: "short", day: "numeric" };
  const written = new Intl.DateTimeFormat(language, { ...parts, timeZone: "UTC" });
  const ticks = Math.max(2, Math.floor(width / 110));
  return { type: "utc", label: null, ticks, tickFormat: (time: Date) => written.format(time) };
}

/** An axis of whole numbers up to `most`. */
function counts(language: Language, most: number): object {
  const tickFormat = (count: number): string => count.toLocaleString(language);
  return { label: null, grid: true, ticks: Math.min(4, most), tickFormat };
}

/** The largest sum of one step. */
function tallest(rows: { start: string; count: number }[]): number {
  const sums = new Map<string, number>();
  for (const { start, count } of rows) {
    sums.set(start, (sums.get(start) ?? 0) + count);
  }
  return Math.max(...sums.values());
}

function colour({ key }: { key: string }): string {
  return `var(--series-${key}, var(--series))`;
}

function widthOf(label: string): number {
  return [...label].reduce((sum, letter) => sum + (letter > "\u2e80" ? WIDE_LETTER : LETTER), 0);
}
