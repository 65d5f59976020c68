// What the merchant promises, in versions.

import { element, terms } from "./elements.js";

export async function showPolicies(service) {
  const { policies } = await service.get("policies");
  if (policies.length === 0) {
    return [element("p", {}, "No policy has been published.")];
  }
  return Promise.all(policies.toReversed().map((version) => card(service, version)));
}

async function card(service, version) {
  const { policy, ends } = version;
  const { sentences } = await service.get(`policies/${policy.id}/${policy.version}/explanation`);
  return element(
    "section",
    { class: "card" },
    element("h2", {}, policy.title),
    terms([
      ["Id", element("code", {}, policy.id)],
      ["Version", String(policy.version)],
      ["Claims from", policy.valid_from],
      ["Claims until", policy.valid_to],
      ["Covers purchases", covered(policy.covers_from, ends)],
    ]),
    ...sentences.slice(1).map((sentence) => element("p", {}, sentence)),
  );
}

function covered(from, ends) {
  const parts = [from ? `from ${from}` : "", ends ? `before ${ends}` : ""];
  return parts.filter(Boolean).join(" and ") || "of any day";
}
