// The API keys of the merchant: what each may do. They are made and revoked on the command line.

import { element, table } from "./elements.js";

export async function showKeys(service) {
  const { keys } = await service.get("keys");
  return [
    table(
      "Keys that are good",
      ["Id", "Label", "Scopes", "Made", "Last used", "Ends"],
      keys.map((key) => [
        element("code", {}, key.id),
        key.label,
        key.scopes.join(", "),
        key.created,
        key.last_used ?? "never",
        key.expires ?? "when revoked",
      ]),
    ),
    element(
      "p",
      { class: "hint" },
      "To make, replace or revoke one: ",
      element("code", {}, "kvitto merchant keys"),
      ".",
    ),
  ];
}
