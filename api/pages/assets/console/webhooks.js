// Where events are sent to, what became of them, and what was given up.

import { badge, choice, element, field, moment, short, table, terms } from "./elements.js";
import { pages } from "./service.js";

const SHOWN = 100;
const KINDS = { pending: "warn", delivered: "good", dead: "bad" };

let state = "";

export async function showWebhooks(service, [webhookId], ui) {
  if (webhookId !== undefined) {
    return showDeliveries(service, webhookId, ui);
  }
  const { webhooks } = await service.get("webhooks");
  if (webhooks.length === 0) {
    return [element("p", {}, "There are no webhooks.")];
  }
  return webhooks.map((webhook) => card(service, webhook, ui));
}

function card(service, webhook, ui) {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, webhook.url),
    facts(webhook),
    element("p", {}, element("a", { href: `#/webhooks/${webhook.id}` }, "Deliveries")),
    element("button", { type: "button", click: () => test(service, webhook, ui) }, "Send a test"),
  );
}

function facts(webhook) {
  return terms([
    ["Description", webhook.description],
    ["Events", webhook.types === null ? "all" : webhook.types.join(", ")],
    ["State", webhook.enabled ? badge("enabled", "good") : badge(`disabled: ${webhook.disabled_because}`, "bad")],
    ["Nothing arrives since", webhook.failing_since && moment(webhook.failing_since)],
  ]);
}

async function test(service, webhook, ui) {
  ui.say("Sending …");
  try {
    const { delivered, status, error } = await service.post(`webhooks/${webhook.id}/test`);
    ui.say(delivered ? `The test was answered with ${status}.` : `The test failed: ${outcome({ error, status })}.`);
  } catch (error) {
    ui.say(ui.explain(error));
  }
}

async function showDeliveries(service, webhookId, ui) {
  const webhook = await service.get(`webhooks/${webhookId}`);
  const { items, more } = await pages(
    service,
    `webhooks/${webhookId}/deliveries`,
    { state },
    "deliveries",
    SHOWN,
  );
  const columns = ["Event", "Type", "State", "Attempts", "Last", "Next", ""];
  return [
    element("p", {}, element("a", { href: "#/webhooks" }, "All webhooks")),
    element("h2", {}, webhook.url),
    facts(webhook),
    tools(ui),
    items.length === 0
      ? element("p", {}, "There are no such deliveries.")
      : table(
          more ? `The newest ${SHOWN} deliveries` : "Deliveries",
          columns,
          items.map((delivery) => row(service, webhookId, delivery, ui)),
        ),
  ];
}

function row(service, webhookId, delivery, ui) {
  const replay = element(
    "button",
    { type: "button", click: () => again(service, webhookId, delivery, ui) },
    "Send again",
  );
  replay.setAttribute("aria-label", `Send event ${delivery.index} again`);
  return [
    element("span", {}, `${delivery.index} `, short(delivery.id)),
    delivery.type,
    badge(delivery.state, KINDS[delivery.state]),
    String(delivery.attempts),
    delivery.tried && element("span", {}, moment(delivery.tried), ` ${outcome(delivery)}`),
    delivery.due && moment(delivery.due),
    delivery.state === "pending" ? null : replay,
  ];
}

function outcome({ error, status }) {
  return [error === "status" ? null : error, status].filter((word) => word !== null).join(" ");
}

async function again(service, webhookId, delivery, ui) {
  try {
    await service.post(`webhooks/${webhookId}/deliveries/${delivery.id}/replay`);
    await ui.again(`Event ${delivery.index} is sent again.`);
  } catch (error) {
    ui.say(ui.explain(error));
  }
}

function tools(ui) {
  const options = [
    ["", "any"],
    ["pending", "still to be sent"],
    ["delivered", "delivered"],
    ["dead", "given up"],
  ];
  const chosen = choice(options, state);
  chosen.addEventListener("change", () => {
    state = chosen.value;
    ui.again();
  });
  return element("div", { class: "tools" }, field("State", chosen));
}
