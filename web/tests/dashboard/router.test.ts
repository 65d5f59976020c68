import fc from "fast-check";
import { expect, test } from "vitest";
import { href, parseRoute, type Route } from "../../src/dashboard/router.ts";

const ROUTES: [string, Route][] = [
  ["", { page: "merchants" }],
  ["#/", { page: "merchants" }],
  ["#/learn", { page: "learn" }],
  ["#/acme", { page: "overview", merchant: "acme" }],
  ["#/acme/", { page: "overview", merchant: "acme" }],
  ["#/acme/log", { page: "log", merchant: "acme" }],
  ["#/acme/claims/ab12", { page: "claim", merchant: "acme", id: "ab12" }],
  ["#/acme/policies/warranty-2y", { page: "policy", merchant: "acme", id: "warranty-2y" }],
  ["#/acme/policies/a%2Fb", { page: "policy", merchant: "acme", id: "a/b" }],
  ["#/acme/reports/2026-10", { page: "report", merchant: "acme", month: "2026-10" }],
  ["#/acme/entry/events/12", { page: "entry", merchant: "acme", log: "events", index: 12 }],
  ["#/acme/search/100%", { page: "search", merchant: "acme", query: "100%" }],
];

test.each(ROUTES)("%s is a page", (fragment, route) => {
  expect(parseRoute(fragment)).toEqual(route);
});

test.each([
  "#//claims",
  "#/acme/secrets",
  "#/acme/entry/events/01",
  "#/acme/entry/events/1e3",
  "#/acme/entry/sales/1",
  "#/acme/entry/events",
  "#/acme/claims/ab/cd",
])("%s is none", (fragment) => {
  expect(parseRoute(fragment)).toEqual({ page: "unknown" });
});

test("the address of a page leads to it, whatever was searched for", () => {
  const text = fc.string({ minLength: 1, unit: "binary" });
  fc.assert(
    fc.property(text, text, (merchant, query) => {
      const route: Route = { page: "search", merchant, query };
      expect(parseRoute(href(route))).toEqual(route);
    }),
    { numRuns: 20 },
  );
});
