// What was recorded: the purchase log in numbers, by month and from close to close.

import { bar, element, moment, table, terms } from "./elements.js";

const SHOWN = 60;

export async function showSales(service) {
  const [merchant, statistics, evidence, checkpoint] = await Promise.all([
    service.get(service.root),
    service.get("statistics"),
    service.get("events", { types: "log.closed" }),
    service.get(`/logs/${service.merchant}/purchases/checkpoint`),
  ]);
  const closes = evidence.events.map(({ event }) => event).filter(({ type }) => type === "log.closed");
  const size = Number(checkpoint.split("\n")[1]);
  const closed = closes.length === 0 ? 0 : closes.at(-1).size;
  const { total } = statistics;
  return [
    terms([
      ["Purchases", String(total.purchases)],
      ["Slips for buyers who come later", String(total.sales)],
      ["Handed on", String(total.transfers)],
      ["Void", voids(total)],
      ["Entries not yet in a close", String(size - closed)],
      ["The log closes", merchant.declaration.period === "P1D" ? "each UTC day" : "by a call"],
    ]),
    byMonth(statistics.months),
    byClose(closes),
    element(
      "p",
      { class: "hint" },
      "Entries are purchases, voids and purchases that were handed on. What was sold is in your own",
      " books: the log does not know it. Everybody can count the same.",
    ),
  ];
}

function voids({ voids: reasons, voids_per_thousand: rate }) {
  const given = Object.entries(reasons).filter(([, count]) => count > 0);
  const words = given.map(([reason, count]) => `${count} ${reason.replaceAll("_", " ")}`);
  if (words.length === 0) {
    return "none";
  }
  return rate === null ? words.join(", ") : `${words.join(", ")}: ${rate} of a thousand`;
}

function byMonth(months) {
  return table(
    "By month",
    ["Month", "Purchases", "Handed on", "Void"],
    months
      .toReversed()
      .map((month) => [
        month.month,
        String(month.purchases),
        String(month.transfers),
        voids(month),
      ]),
  );
}

function byClose(closes) {
  const rows = closes.map((close, place) => ({
    close,
    count: close.size - (place === 0 ? 0 : closes[place - 1].size),
  }));
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return table(
    closes.length > SHOWN ? `The last ${SHOWN} of ${closes.length} closes` : "By close",
    ["Close", "When", "Entries", "Size of the log"],
    rows
      .slice(-SHOWN)
      .reverse()
      .map(({ close, count }) => [
        String(close.number),
        moment(close.time),
        element("span", { class: "measured" }, String(count), bar(count / most)),
        String(close.size),
      ]),
  );
}
