// One claim: how it stands, what happened, and what the merchant can do now.

import { choice, element, field, moment, terms } from "./elements.js";
import {
  REASONS,
  RESOLUTIONS,
  WANTS,
  deadline,
  grantWords,
  stateBadge,
  stepWords,
} from "./words.js";

const MONEY = ["refund", "store_credit"];

export async function showCase(service, claimId, ui) {
  const found = await service.get(`claims/${claimId}/case`);
  return [
    element("p", {}, element("a", { href: "#/claims" }, "All claims")),
    standing(found),
    ...actions(service, found, ui),
    history(service, found),
  ];
}

function standing(found) {
  const claim = found.decision.event.claim;
  return terms([
    ["Claim", element("code", {}, found.claim_id)],
    ["State", stateBadge(found.state)],
    ["Your move until", deadline(found)],
    ["Policy", `${claim.policy}, version ${claim.version}`],
    ["The buyer wants", RESOLUTIONS[claim.remedy] ?? claim.remedy],
    ["Granted", found.granted && grantWords(found.granted)],
    ["", found.granted && !found.agreed ? "The buyer has to accept it first." : null],
    ["Offered instead", found.offer && grantWords(found.offer)],
    ["Reason", found.reason && found.reason.replaceAll("_", " ")],
    ["Asked for", found.wants.length === 0 ? null : found.wants.join(", ")],
    ["The buyer's move until", found.answer_by && moment(found.answer_by)],
    ["Cashed in at", found.redeemed && found.redeemed.shop],
  ]);
}

// ---- what happened

function history(service, found) {
  const events = [found.decision, ...found.steps].map(({ event }) => event);
  return element(
    "section",
    {},
    element("h2", {}, "History"),
    element("ol", { class: "history" }, events.map((event) => happened(service, found, event))),
    events.some(isEvidence) ? evidence(found) : null,
    element(
      "p",
      { class: "hint" },
      "Every line is an event of the public log. Attachments are encrypted and stand in no log.",
    ),
  );
}

function isEvidence({ by, attachments }) {
  return by === "buyer" && attachments.length > 0;
}

function evidence({ claim_id: claimId }) {
  const command = `kvitto merchant claim evidence ${claimId} --contact-key FILE`;
  return element(
    "p",
    {},
    "To read what the buyer has attached, with the private key of the policy's contact key: ",
    element("code", {}, command),
  );
}

function happened(service, found, event) {
  const attached = (event.attachments ?? []).map((digest) =>
    event.by === "buyer" ? received(service, found.claim_id, digest) : sent(digest),
  );
  return element("li", {}, moment(event.time), ` ${eventWords(event)}`, attached);
}

function eventWords(event) {
  if (event.type === "claim.step") {
    return stepWords(event);
  }
  return event.type === "ownership.retired"
    ? "The owner has left: the claim ends the ownership"
    : "The claim was made, and its proof holds";
}

function sent(digest) {
  return element("p", { class: "attachment" }, "Attached: ", element("code", {}, digest));
}

function received(service, claimId, digest) {
  const size = element("span", {}, "…");
  service.size(`claims/${claimId}/attachments/${digest}`).then((bytes) => {
    size.textContent = bytes === null ? "erased, or not for this key" : `${bytes} bytes`;
  });
  return element("p", { class: "attachment" }, "Attachment, ", size);
}

// ---- what can be done

function actions(service, found, ui) {
  const may = (...states) => states.includes(found.state);
  const claim = found.decision.event.claim;
  const open = may("under_review", "needs_information", "disputed");
  const granted = found.granted !== null && found.agreed;
  const forms = [
    open && found.granted === null ? approval(found, claim) : null,
    open && found.granted === null ? decline() : null,
    may("under_review", "approved", "in_process", "disputed") && claim.buyer ? question() : null,
    may("approved", "needs_information", "disputed") && granted ? plain("start", "Start") : null,
    may("approved", "in_process", "needs_information", "disputed") && granted
      ? plain("complete", "Complete")
      : null,
  ].filter(Boolean);
  if (forms.length === 0) {
    return [];
  }
  const shown = forms.map((form) => action(service, found, form, ui));
  return [element("section", { class: "actions" }, element("h2", {}, "What you can do"), shown)];
}

function action(service, found, { step, title, fields, read }, ui) {
  const alert = element("p", { role: "alert" });
  const button = element("button", { class: "main" }, title);
  const submit = async (event) => {
    event.preventDefault();
    alert.textContent = "";
    button.disabled = true;
    try {
      await service.post(`claims/${found.claim_id}/steps`, {
        step: {
          type: "claim.step",
          claim_id: found.claim_id,
          number: found.number,
          by: "merchant",
          step,
          ...read(),
          attachments: [],
        },
        attachments: [],
      });
      await ui.again(`${title}: done.`);
    } catch (error) {
      alert.textContent = ui.explain(error);
      button.disabled = false;
    }
  };
  return element(
    "details",
    { class: "card", name: "action" },
    element("summary", {}, title),
    element("form", { submit }, fields, alert, button),
  );
}

function approval(found, claim) {
  const resolution = choice(Object.entries(RESOLUTIONS), claim.remedy);
  const share = element("input", { type: "number", min: "1", max: "100", value: "100", required: true });
  const shareField = field("Share, percent", share);
  const limit = () => {
    shareField.hidden = !MONEY.includes(resolution.value);
    share.value = shareField.hidden ? "100" : share.value;
  };
  resolution.addEventListener("change", limit);
  limit();
  const hint = "An approval is not taken back. What the buyer did not ask for, the buyer has to accept.";
  return {
    step: "approve",
    title: "Approve",
    fields: [
      field("Resolution", resolution),
      shareField,
      element("p", { class: "hint" }, hint),
    ],
    read: () => ({ resolution: resolution.value, share: share.valueAsNumber }),
  };
}

function decline() {
  const reason = choice(Object.entries(REASONS));
  return {
    step: "decline",
    title: "Decline",
    fields: [field("Reason, which becomes public", reason)],
    read: () => ({ reason: reason.value }),
  };
}

function question() {
  const boxes = Object.entries(WANTS).map(([code, words]) => {
    const box = element("input", { type: "checkbox", value: code });
    return { box, label: element("label", { class: "check" }, box, ` ${words}`) };
  });
  const legend = element("legend", {}, "What is needed: this becomes public, the answer does not");
  return {
    step: "ask",
    title: "Ask for information",
    fields: [element("fieldset", {}, legend, boxes.map(({ label }) => label))],
    read: () => ({ wants: boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) }),
  };
}

function plain(step, title) {
  return { step, title, fields: [], read: () => ({}) };
}
