// All claims with their deadlines, some of them at a time.

import { showCase } from "./case.js";
import { choice, element, field, moment, short, table } from "./elements.js";
import { pages } from "./service.js";
import { RESOLUTIONS, STATES, deadline, stateBadge } from "./words.js";

const SHOWN = 100;

const chosen = { state: "", overdue: "" };

export async function showClaims(service, [claimId], ui) {
  if (claimId !== undefined) {
    return showCase(service, claimId, ui);
  }
  const [summary, { items, more }] = await Promise.all([
    service.get("claims/summary"),
    pages(service, "claims", chosen, "claims", SHOWN),
  ]);
  return [
    tools(summary, ui),
    items.length === 0
      ? element("p", {}, "There are no such claims.")
      : table(more ? `The first ${SHOWN} claims` : "Claims", COLUMNS, items.map(row)),
  ];
}

const COLUMNS = ["Claim", "State", "Policy", "Wants", "Made", "Your move until"];

function row({ claim_id: claimId, receipt, case: standing }) {
  const { claim } = receipt.event;
  return [
    element("a", { href: `#/claims/${claimId}` }, short(claimId)),
    stateBadge(standing.state),
    `${claim.policy} ${claim.version}`,
    RESOLUTIONS[claim.remedy] ?? claim.remedy,
    moment(standing.opened),
    deadline(standing),
  ];
}

function tools(summary, ui) {
  const states = Object.entries(STATES).map(([code, [words]]) => [
    code,
    `${words} (${summary.states[code]})`,
  ]);
  const late = [["", "overdue or not"], ["true", `overdue only (${summary.overdue})`]];
  return element(
    "div",
    { class: "tools" },
    field("State", chooser("state", [["", "any state"], ...states], ui)),
    field("Deadline", chooser("overdue", late, ui)),
  );
}

function chooser(name, options, ui) {
  const made = choice(options, chosen[name]);
  made.addEventListener("change", () => {
    chosen[name] = made.value;
    ui.again();
  });
  return made;
}
