// Counts by day, put together into as many steps as a chart has room for.

export interface Counted {
  day: string;
  count: number;
}

export type Step = "day" | "week" | "month";

const DAY = 24 * 3600 * 1000;
const MOST_DAYS = 45;
const MOST_WEEKS = 52;

/** The step that suits the days from the first to the last. */
export function stepFor(days: readonly string[]): Step {
  const times = days.map((day) => Date.parse(day));
  const span = times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / DAY;
  if (span <= MOST_DAYS) {
    return "day";
  }
  return span <= MOST_WEEKS * 7 ? "week" : "month";
}

/** The first day of the step that a day is in; weeks begin on Monday. */
export function startOf(day: string, step: Step): string {
  if (step === "month") {
    return `${day.slice(0, 7)}-01`;
  }
  const time = Date.parse(day);
  const back = step === "week" ? (new Date(time).getUTCDay() + 6) % 7 : 0;
  return new Date(time - back * DAY).toISOString().slice(0, 10);
}

/** The day on which the next step begins. */
export function endOf(start: string, step: Step): string {
  const date = new Date(start);
  if (step === "month") {
    date.setUTCMonth(date.getUTCMonth() + 1);
  } else {
    date.setUTCDate(date.getUTCDate() + (step === "week" ? 7 : 1));
  }
  return date.toISOString().slice(0, 10);
}

/** The sums by step and by `key`, in the order of their steps. */
export function byStep<Row extends Counted>(
  rows: readonly Row[],
  step: Step,
  key: (row: Row) => string,
): { start: string; key: string; count: number }[] {
  const sums = sumBy(rows, (row) => `${startOf(row.day, step)} ${key(row)}`);
  return [...sums]
    .map(([name, count]) => ({ start: name.slice(0, 10), key: name.slice(11), count }))
    .sort((one, other) => one.start.localeCompare(other.start));
}

/** The sums by `key`. */
export function sumBy<Row extends { count: number }>(
  rows: readonly Row[],
  key: (row: Row) => string,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const row of rows) {
    sums.set(key(row), (sums.get(key(row)) ?? 0) + row.count);
  }
  return sums;
}

export function total(rows: readonly { count: number }[]): number {
  return rows.reduce((sum, row) => sum + row.count, 0);
}
