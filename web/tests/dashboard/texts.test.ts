import { expect, test } from "vitest";
import { en } from "../../src/dashboard/texts/en.ts";
import { zhCN } from "../../src/dashboard/texts/zh-CN.ts";
import { LIES } from "../../src/verify/errors.ts";

/** All texts by their place, functions among them called. */
function textsOf(said: unknown, place = ""): [string, string][] {
  if (typeof said === "string") {
    return [[place, said]];
  }
  if (typeof said === "function") {
    return [[place, String(said(2, 3, 4))]];
  }
  const members = Object.entries(said as Record<string, unknown>);
  return members.flatMap(([name, member]) => textsOf(member, `${place}.${name}`));
}

const CHINESE = /[\u4e00-\u9fff]/;
const SPOKEN_ALIKE = [
  ".otherLanguage",
  ".policies.unit",
  ".entry.title",
  ".marks.comma",
  ".marks.list",
  ".marks.colon",
];

test("both languages say the same things", () => {
  const places = textsOf(en).map(([place]) => place);
  const said = textsOf(zhCN).map(([place]) => place);
  // The sentences of findings come from the service in English.
  expect(said.filter((place) => !place.startsWith(".codes.patterns"))).toEqual(places);
  expect(places.length).toBeGreaterThan(300);
});

test("nothing is left unsaid, or said in the other language", () => {
  for (const [place, text] of textsOf(en)) {
    expect(text, place).not.toBe("");
    expect(CHINESE.test(text), place).toBe(place === ".otherLanguage");
  }
  for (const [place, text] of textsOf(zhCN)) {
    expect(CHINESE.test(text) || SPOKEN_ALIKE.includes(place), `${place}: ${text}`).toBe(true);
  }
});

test("each lie has words", () => {
  expect(Object.keys(en.lie.kinds).sort()).toEqual([...LIES].sort());
});
