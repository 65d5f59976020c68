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
const TALL_ROW = 44; // with its label above it
const BELOW = 28; // and for the axis
const TALL = 240;
const LEFT = 52; // for numbers such as 100,000
const TICK = 56; // pixels for such a number below
const FEW_DAYS = 14; // fewer would become bars as wide as the chart
const DAY = 24 * 3600 * 1000;
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
  const end = Math.max(...placed.map(({ to }) => to.getTime()));
  const start = Math.min(...placed.map(({ from }) => from.getTime()), end - FEW_DAYS * DAY);
  return plot({
    ...frame(width, TALL),
    x: timeAxis(width, language, new Date(start), new Date(end), step === "month"),
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
  const longest = Math.max(...labels.map(widthOf)) + 12;
  const isAbove = longest > width * 0.45; // where there is no room beside the bars
  const marginLeft = isAbove ? 2 : longest;
  const room = Math.floor((width - marginLeft) / (2 * TICK));
  const sums = labels.map((label) => ({
    label,
    sum: rows.filter((row) => row.label === label).reduce((sum, row) => sum + row.count, 0),
  }));
  return plot({
    ...frame(width, labels.length * (isAbove ? TALL_ROW : ROW) + BELOW),
    marginTop: 0,
    marginBottom: BELOW,
    marginLeft,
    marginRight: 48,
    x: counts(language, Math.max(...sums.map(({ sum }) => sum)), room),
    y: { label: null, domain: labels, tickSize: 0, axis: isAbove ? null : "left" },
    marks: [
      isAbove
        ? text(labels, { y: own, text: own, frameAnchor: "left", textAnchor: "start", dy: -14 })
        : null,
      barX(rows, {
        y: "label",
        x: "count",
        fill: colour,
        insetTop: isAbove ? 17 : 3,
        insetBottom: 3,
      }),
      text(sums, {
        y: "label",
        x: "sum",
        text: ({ sum }: { sum: number }) => sum.toLocaleString(language),
        textAnchor: "start",
        dx: 5,
        dy: isAbove ? 7 : 0,
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
  const [start, end] = [placed[0]?.at ?? new Date(0), placed.at(-1)?.at ?? new Date(0)];
  const isLong = end.getTime() - start.getTime() > 300 * DAY;
  return plot({
    ...frame(width, TALL),
    x: timeAxis(width, language, start, end, isLong),
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
  const style = { fontSize: `${FONT}px` };
  return { width, height, marginLeft: LEFT, color: { type: "identity" }, style };
}

function timeAxis(
  width: number,
  language: Language,
  start: Date,
  end: Date,
  isMonths: boolean,
): object {
  const parts: Intl.DateTimeFormatOptions = isMonths
    ? { year: "numeric", month: "short" }
    : { month: "short", day: "numeric" };
  const written = new Intl.DateTimeFormat(language, { ...parts, timeZone: "UTC" });
  const ticks = Math.max(2, Math.floor(width / 110));
  const tickFormat = (time: Date): string => written.format(time);
  return { type: "utc", label: null, domain: [start, end], ticks, tickFormat };
}

/** An axis of whole numbers up to `most`, with room for so many of them. */
function counts(language: Language, most: number, room = 4): object {
  const tickFormat = (count: number): string => count.toLocaleString(language);
  return { label: null, grid: true, ticks: Math.max(1, Math.min(4, most, room)), tickFormat };
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

function own(label: string): string {
  return label;
}

function widthOf(label: string): number {
  return [...label].reduce((sum, letter) => sum + (letter > "\u2e80" ? WIDE_LETTER : LETTER), 0);
}
