// The codes of cases in words, and how urgent they look.

import { badge, element, moment } from "./elements.js";

export const STATES = {
  under_review: ["under review", "warn"],
  approved: ["approved", "good"],
  declined: ["declined", ""],
  needs_information: ["needs information", "warn"],
  in_process: ["in process", "good"],
  completed: ["completed", ""],
  canceled: ["canceled", ""],
  disputed: ["disputed", "bad"],
};

export function stateBadge(state) {
  return badge(...(STATES[state] ?? [state, ""]));
}

export const RESOLUTIONS = {
  repair: "repair",
  replacement: "replacement",
  refund: "refund",
  store_credit: "store credit",
};

export const REASONS = {
  not_covered: "not covered by the policy",
  no_fault_found: "no fault found",
  caused_by_use: "caused by use",
  evidence_missing: "evidence missing",
  no_answer: "no answer came",
  other: "another reason",
};

export const WANTS = {
  photo: "a photo",
  video: "a video",
  description: "a description",
  diagnosis: "a diagnosis",
  address: "an address",
  other: "something else",
};

const STEPS = {
  approve: "approved it",
  offer: "offered something else",
  decline: "declined it",
  ask: "asked for information",
  start: "started",
  complete: "completed it",
  note: "wrote a note",
  answer: "answered",
  accept: "accepted the resolution",
  withdraw: "withdrew the claim",
  dispute: "disputed it",
  redeem: "cashed the approval in",
};

export function stepWords(event) {
  const who = event.by === "merchant" ? "You" : "The buyer";
  const what = STEPS[event.step] ?? event.step;
  const more = [
    event.resolution ? grantWords(event) : null,
    event.reason ? event.reason.replaceAll("_", " ") : null,
    event.wants ? event.wants.join(", ") : null,
    event.shop ? `at ${event.shop}` : null,
  ].filter(Boolean);
  return more.length === 0 ? `${who} ${what}` : `${who} ${what}: ${more.join("; ")}`;
}

export function grantWords({ resolution, share }) {
  const words = RESOLUTIONS[resolution] ?? resolution;
  return share === 100 ? words : `${words}, ${share} percent`;
}

export function deadline({ due, overdue }) {
  if (due === null) {
    return null;
  }
  return overdue
    ? element("span", {}, moment(due), " ", badge("overdue", "bad"))
    : moment(due);
}
