import { expect, test } from "vitest";
import { toCsv } from "../../src/dashboard/csv.ts";
import { purchaseOf } from "../../src/dashboard/entries.ts";
import { formatOf } from "../../src/dashboard/format.ts";
import { seal } from "../../src/dashboard/sealing.ts";
import { byStep, endOf, startOf, stepFor } from "../../src/dashboard/series.ts";
import { isSame } from "../../src/dashboard/shown.ts";

test("CSV quotes what would be read as something else", () => {
  const rows = [
    ["plain", 1],
    ['say "no"', null],
    ["a,b\r\nc", 2.5],
  ];
  expect(toCsv(["what", "count"], rows)).toBe(
    'what,count\r\nplain,1\r\n"say ""no""",\r\n"a,b\r\nc",2.5\r\n',
  );
});

test("each language writes numbers and times in its way, in UTC", () => {
  const [english, chinese] = [formatOf("en"), formatOf("zh-CN")];
  expect(english.number(12345)).toBe("12,345");
  expect(english.day("2026-11-22T23:59:59Z")).toBe("Nov 22, 2026");
  expect(chinese.day("2026-11-22")).toBe("2026年11月22日");
  expect(english.month("2026-10")).toBe("October 2026");
  expect(english.moment("2026-11-22T08:05:00Z")).toContain("08:05 UTC");
  expect(english.duration(129600)).toBe("1.5 days");
  expect(chinese.duration(7200)).toBe("2小时");
  expect(english.money(24900, "EUR")).toBe("€249.00");
  expect(english.money(500, "JPY")).toBe("¥500");
});

test.each([
  ["2026-11-22T11:59:00Z", "1 minute ago"],
  ["2026-11-20T12:00:00Z", "2 days ago"],
  ["2026-11-22T12:00:05Z", "in 5 seconds"],
])("%s was %s", (time, words) => {
  expect(formatOf("en").ago(time, new Date("2026-11-22T12:00:00Z"))).toBe(words);
});

test("days become weeks and months where they are many", () => {
  expect(stepFor([])).toBe("day");
  expect(stepFor(["2026-11-01", "2026-11-22"])).toBe("day");
  expect(stepFor(["2026-11-22", "2026-08-01"])).toBe("week");
  expect(stepFor(["2025-01-01", "2026-11-22"])).toBe("month");
});

test("weeks begin on Monday, months on their first day", () => {
  expect(startOf("2026-11-22", "week")).toBe("2026-11-16");
  expect(startOf("2026-11-16", "week")).toBe("2026-11-16");
  expect(endOf("2026-11-16", "week")).toBe("2026-11-23");
  expect(startOf("2026-12-31", "month")).toBe("2026-12-01");
  expect(endOf("2026-12-01", "month")).toBe("2027-01-01");
  expect(endOf("2026-02-28", "day")).toBe("2026-03-01");
});

test("counts are summed by step and series", () => {
  const rows = [
    { day: "2026-11-17", state: "approved", count: 2 },
    { day: "2026-11-22", state: "approved", count: 3 },
    { day: "2026-11-23", state: "approved", count: 1 },
    { day: "2026-11-17", state: "declined", count: 1 },
  ];
  expect(byStep(rows, "week", (row) => row.state)).toEqual([
    { start: "2026-11-16", key: "approved", count: 5 },
    { start: "2026-11-16", key: "declined", count: 1 },
    { start: "2026-11-23", key: "approved", count: 1 },
  ]);
});

test("entries of the purchase log are told apart, and nothing else is one", () => {
  const commitment = Uint8Array.of(2, ...new Array(32).fill(7));
  expect(purchaseOf(Uint8Array.of(1, ...commitment))).toMatchObject({ kind: 1 });
  expect(purchaseOf(Uint8Array.of(4, ...commitment))).toMatchObject({ kind: 4 });
  expect(purchaseOf(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1, 2))).toEqual({ kind: 2, voided: 258n });
  expect(purchaseOf(Uint8Array.of(2, ...commitment))).toEqual({ kind: 0 });
  expect(purchaseOf(Uint8Array.of(9, ...commitment))).toEqual({ kind: 0 });
  expect(purchaseOf(new Uint8Array())).toEqual({ kind: 0 });
});

test("documents are compared whatever the order of their members", () => {
  expect(
    isSame({ a: [1, { y: null, x: true }], b: "q" }, { b: "q", a: [1, { x: true, y: null }] }),
  ).toBe(true);
  expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});

test("a sealed price opens with its price alone", () => {
  const random = "00112233445566778899aabbccddeeff";
  const sealed = seal(24900, random);
  expect(sealed).toMatch(/^0[23][0-9a-f]{64}$/);
  expect(seal(24900, random)).toBe(sealed);
  expect(seal(24901, random)).not.toBe(sealed);
  expect(seal(24900, random.replace("0", "1"))).not.toBe(sealed);
});
