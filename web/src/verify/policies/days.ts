// Days as numbers since 1970-01-01 UTC, and durations in calendar units. protocol.md 5.

import { FormatError } from "../errors.ts";

const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const DURATION = /^P(?:([0-9]{1,3})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?$/;
const MILLISECONDS = 86_400_000;
const FIRST_DAY = -719_162; // 0001-01-01
export const LAST_DAY = 2_932_896; // 9999-12-31

/** A day written YYYY-MM-DD, from 1970 on. */
export function parseDay(text: string): number {
  const day = Date.parse(`${text}T00:00:00Z`) / MILLISECONDS;
  if (!DAY.test(text) || !Number.isInteger(day) || day < 0 || dayText(day) !== text) {
    throw new FormatError("not a day from 1970 on, such as 2026-11-20");
  }
  return day;
}

export function dayText(day: number): string {
  return new Date(day * MILLISECONDS).toISOString().slice(0, 10);
}

/** A length in calendar months and days. Two years are 24 months, not 730 days. */
export interface Duration {
  months: number;
  days: number;
}

/** Read `PnYnMnWnD`; no time of day, at least one unit, no leading zero. */
export function parseDuration(text: string): Duration {
  const match = DURATION.exec(text);
  if (match === null || text === "P") {
    throw new FormatError("not an ISO 8601 duration such as P2Y or P14D");
  }
  const counts = match.slice(1).map((digits) => digits ?? "0");
  if (counts.some((digits) => digits.length > 1 && digits.startsWith("0"))) {
    throw new FormatError("not a canonical decimal number");
  }
  const [years = 0, months = 0, weeks = 0, days = 0] = counts.map(Number);
  return { months: 12 * years + months, days: 7 * weeks + days };
}

/** The day this long before `day`: months first, cut to what the month has, then days. */
export function before(duration: Duration, day: number): number {
  return within(addMonths(day, -duration.months) - duration.days);
}

/** The day this long after `day`. */
export function after(duration: Duration, day: number): number {
  return within(addMonths(day, duration.months) + duration.days);
}

function addMonths(day: number, months: number): number {
  const date = new Date(day * MILLISECONDS);
  const count = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const [year, month] = [Math.floor(count / 12), ((count % 12) + 12) % 12];
  const inMonth = Math.min(date.getUTCDate(), lengthOf(year, month));
  return within(dayNumber(year, month, inMonth));
}

function lengthOf(year: number, month: number): number {
  return dayNumber(year, month + 1, 1) - dayNumber(year, month, 1);
}

/** Of a year below 100 too, which `Date.UTC` takes for another. */
function dayNumber(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day) / MILLISECONDS;
}

function within(day: number): number {
  if (day < FIRST_DAY || day > LAST_DAY) {
    throw new FormatError("reaches beyond the calendar");
  }
  return day;
}
