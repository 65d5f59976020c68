// What the merchant promises, in versions, in plain words, and until when it covers what is sold.

import { badge, element, moment, terms } from "./elements.js";

const OPENED = 12; // of those in force; the words of the others are asked for when they are wanted

export async function showPolicies(service, _rest, ui) {
  const { policies } = await service.get("policies");
  if (policies.length === 0) {
    return [element("p", {}, "No policy has been published.")];
  }
  const newest = policies.toReversed();
  const inForce = newest.filter(({ ends }) => ends === null).slice(0, OPENED);
  return newest.map((version) => card(service, version, inForce.includes(version), ui));
}

function card(service, { policy, published, ends, endings }, opened, ui) {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, policy.title, " ", standing(ends)),
    terms([
      ["Id", element("code", {}, policy.id)],
      ["Version", String(policy.version)],
      ["Published", moment(published)],
      ["Ended", endings.map(ended).join(", ")],
    ]),
    explanation(service, policy, opened, ui),
  );
}

function ended({ kind, from, by }) {
  return kind === "superseded" ? `superseded by version ${by} from ${from}` : `withdrawn from ${from}`;
}

function standing(ends) {
  return ends === null
    ? badge("in force", "good")
    : badge(`covers purchases before ${ends}`, "warn");
}

function explanation(service, { id, version }, opened, ui) {
  const words = element("ul");
  const path = id.split("/").map(encodeURIComponent).join("/");
  const load = async ({ target }) => {
    if (!target.open || words.childElementCount > 0) {
      return;
    }
    try {
      const { sentences } = await service.get(`policies/${path}/${version}/explanation`);
      words.replaceChildren(...sentences.map((sentence) => element("li", {}, sentence)));
    } catch (error) {
      words.replaceChildren(element("li", { role: "alert" }, ui.explain(error)));
    }
  };
  const summary = element("summary", {}, "In plain words");
  return element("details", { open: opened, toggle: load }, summary, words);
}
