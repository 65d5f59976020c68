// What was recorded: the purchase log as it grew from close to close.

import { bar, element, moment, table, terms } from "./elements.js";

const SHOWN = 60;

export async function showSales(service) {
  const [merchant, evidence, checkpoint] = await Promise.all([
    service.get(service.root),
    service.get("events", { types: "log.closed" }),
    service.get(`/logs/${service.merchant}/purchases/checkpoint`),
  ]);
  const closes = evidence.events.map(({ event }) => event).filter(({ type }) => type === "log.closed");
  const size = Number(checkpoint.split("\n")[1]);
  const closed = closes.length === 0 ? 0 : closes.at(-1).size;
  return [
    terms([
      ["Entries in the purchase log", String(size)],
      ["Of these not yet in a close", String(size - closed)],
      ["The log closes", merchant.declaration.period === "P1D" ? "each UTC day" : "by a call"],
    ]),
    grown(closes),
    element(
      "p",
      { class: "hint" },
      "Entries are sales, voids and purchases that were handed on. What was sold is in your own books:",
      " the log does not know it.",
    ),
  ];
}

function grown(closes) {
  const rows = closes.map((close, place) => ({
    close,
    count: close.size - (place === 0 ? 0 : closes[place - 1].size),
  }));
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return table(
    closes.length > SHOWN ? `The last ${SHOWN} of ${closes.length} closes` : "Closes",
    ["Close", "When", "Entries", "Log"],
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
