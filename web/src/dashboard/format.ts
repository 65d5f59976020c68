// Numbers and times as each language writes them. All times are UTC, as in the logs.

export type Language = "en" | "zh-CN";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = [
  ["day", DAY],
  ["hour", HOUR],
  ["minute", MINUTE],
  ["second", 1],
] as const;

export interface Format {
  number(value: number): string;
  percent(share: number): string;
  day(text: string): string;
  month(text: string): string;
  moment(text: string): string;
  duration(seconds: number): string;
  ago(text: string, now: Date): string;
  milliseconds(value: number): string;
  money(minor: number, currency: string): string;
}

/** How one language writes them. */
export function formatOf(language: Language): Format {
  const number = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const day = dates(language, { dateStyle: "medium" });
  const month = dates(language, { year: "numeric", month: "long" });
  const moment = dates(language, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  return {
    number: (value) => number.format(value),
    percent: (share) => percent.format(share),
    day: (text) => day.format(new Date(`${text.slice(0, 10)}T00:00:00Z`)),
    month: (text) => month.format(new Date(`${text}-01T00:00:00Z`)),
    moment: (text) => `${moment.format(new Date(text))} UTC`,
    duration: (seconds) => {
      const [unit, size] = unitOf(seconds);
      return inUnits(language, seconds / size, unit);
    },
    ago: (text, now) => {
      const seconds = (now.getTime() - new Date(text).getTime()) / 1000;
      const [unit, size] = unitOf(Math.abs(seconds));
      return relative.format(-Math.round(seconds / size), unit);
    },
    milliseconds: (value) => `${fine.format(value)} ms`,
    money: (minor, currency) => money(language, minor, currency),
  };
}

function dates(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
}

function unitOf(seconds: number): (typeof UNITS)[number] {
  return UNITS.find(([, size]) => seconds >= size) ?? UNITS[3];
}

function inUnits(language: Language, value: number, unit: string): string {
  const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(language, options).format(value);
}

function money(language: Language, minor: number, currency: string): string {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits);
}
