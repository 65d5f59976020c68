// What the service answers: its documents, as far as these pages read them.

import type { Overview } from "../client.ts";

/** What the service counts, of so many entries of the purchase log. */
export type ServedOverview = Overview & { purchases: number };

export interface LogPlace {
  url: string;
  vkeys: string[];
}

export interface Merchant {
  id: string;
  name: string;
  origin: string;
  sandbox: boolean;
  logs: { purchases: LogPlace; events: LogPlace };
  witnesses: { name: string; vkey: string }[];
  seed_witnesses: string[];
  policies: { policy: string; version: number; title: string }[];
}

export interface Directory {
  service: string;
  merchants: Merchant[];
}

export interface Entry {
  log: "events" | "purchases";
  index: number;
}

export interface Disagreement {
  rule: string;
  why: string;
  entries: Entry[];
}

export interface Finding {
  id: string;
  detector: string;
  severity: "alarm" | "warning" | "notice";
  time: string;
  text: string;
  facts: Record<string, unknown>;
  entries: Entry[];
}

export interface Findings {
  events: number;
  at: string | null;
  disagreements: Disagreement[];
  findings: Finding[];
}

export interface Policy {
  id: string;
  version: number;
  kind: string;
  title: string;
  products: string[];
  batches?: string[];
  purchased?: { oldest: string; newest: string } | { from: string; to: string };
  covers_from?: string;
  price?: { currency: string; min: number; max: number };
  claims_per_purchase: number;
  ends_ownership: boolean;
  review: boolean;
  smallest_ring: number;
  valid_from: string;
  valid_to: string;
  remedies: string[];
  response_time: string;
  terms?: string;
}

export interface PolicyVersion {
  policy: Policy;
  published: string;
  ends: string | null;
  endings: { kind: string; time: string; from: string; by: number | null }[];
}

/** An event of the log; each type has more members. */
export interface LogEvent {
  type: string;
  time: string;
  [member: string]: unknown;
}

export interface Decided extends LogEvent {
  claim_id: string;
  decision: string;
  claim: {
    policy: string;
    version: number;
    date: string;
    remedy: string;
    first: number;
    size: number;
    lane: number;
  };
  tags: string[];
  retire_by: string | null;
}

export interface Step extends LogEvent {
  by: "merchant" | "buyer";
  step: string;
  resolution?: string;
  share?: number;
  reason?: string;
  wants?: string[];
  shop?: string;
  attachments: string[];
}

export interface Placed<Event> {
  index: number;
  event: Event;
}

export interface Case {
  claim_id: string;
  state: string;
  opened: string;
  due: string | null;
  overdue: boolean;
  granted: { resolution: string; share: number } | null;
  reason: string | null;
  wants: string[];
  answer_by: string | null;
  redeemed: { shop: string; signed: string } | null;
  decision: Placed<Decided>;
  steps: Placed<Step>[];
}

export interface ClaimsPage {
  claims: {
    claim_id: string;
    receipt: { event: Decided };
    case: { state: string; opened: string; due: string | null; overdue: boolean };
  }[];
  next: number | null;
}

export interface Close extends LogEvent {
  number: number;
  size: number;
}

export interface Declaration extends LogEvent {
  capacity: number;
  period: "P1D" | "manual";
  void_window: number;
}

export interface Events {
  events: Placed<LogEvent>[];
}

export interface Reports {
  reports: { index: number; month: string; time: string; counts: boolean }[];
}

/** A count, or null where it is so small that it would tell of somebody. */
export type Hidden = number | null;

export interface Hours {
  median: number;
  p90: number;
}

export interface Report {
  decided: {
    count: Hidden;
    policies: {
      policy: string;
      count: number;
      remedies: Record<string, Hidden>;
      repeated: { least: number; most: number } | null;
    }[];
  };
  ended: {
    count: Hidden;
    policies: {
      policy: string;
      count: number;
      outcomes: { completed?: Hidden; declined?: Hidden; canceled?: Hidden };
      reasons: Record<string, Hidden> | null;
      hours: Hours | null;
    }[];
  };
  responses: (Hours & { late: number }) | null;
  overdue: number | null;
  voids: { count: Hidden; reasons: Record<string, Hidden> };
  transfers: Hidden;
}

export interface MonthlyReport {
  published: Placed<LogEvent & { month: string; report: Report }> | null;
  computed: Report | null;
}

export interface SearchPage {
  results: {
    kind: "event" | "purchase" | "claim" | "policy" | "tag";
    log: "events" | "purchases";
    index: number;
    title: string;
  }[];
}
