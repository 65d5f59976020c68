// What the merchant promises, in versions.

import { element, terms } from "./elements.js";

export async function showPolicies(service) {
  const { policies } = await service.get("policies");
  if (policies.length === 0) {
    return [element("p", {}, "No policy has been published.")];
  }
  return policies.toReversed().map(card);
}

function card(version) {
  const { policy, ends } = version;
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
  );
}

function covered(from, ends) {
  const parts = [from ? `from ${from}` : "", ends ? `before ${ends}` : ""];
  return parts.filter(Boolean).join(" and ") || "of any day";
}
