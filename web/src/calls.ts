// What the page asks of the worker, and what the worker answers: types only.

import type { ClaimCheck } from "./verify/claim_check.ts";
import type { Evidence, LieKind, ServedBytes } from "./verify/errors.ts";
import type { Cosignature } from "./verify/ledger/cosignature.ts";
import type { Seen } from "./verify/ledger/log.ts";
import type { Overview } from "./verify/overview.ts";

/** A log that the worker has opened and verified; `handle` names it there. */
export interface OpenedLog {
  handle: number;
  origin: string;
  size: number;
  root: Uint8Array;
  note: string;
  signers: string[];
  cosignatures: Cosignature[];
  seen: Seen;
}

/** The calls, with their arguments and results. */
export interface Calls {
  openLog: [
    args: [base: string, vkeys: string[], witnesses: string[], seen: readonly Seen[]],
    result: OpenedLog,
  ];
  closeLog: [args: [log: number], result: undefined];
  entry: [args: [log: number, index: number], result: Uint8Array];
  entries: [args: [log: number, start: number, stop: number], result: Uint8Array[]];
  checkAll: [args: [log: number], result: undefined];
  accuse: [
    args: [log: number, kind: LieKind, why: string, indices: number[], files: ServedBytes[]],
    result: Evidence,
  ];
  verifyClaim: [args: [events: number, purchases: number, index: number], result: ClaimCheck];
  recount: [args: [events: number], result: Overview];
  checkOverview: [args: [events: number, served: unknown], result: Overview];
}

export type CallName = keyof Calls;

export type Request =
  | { id: number; call: CallName; args: unknown[] }
  | { id: number; call: "cancel" };

/** An error as it travels between threads. */
export type Failure =
  | { name: "Lie"; evidence: Evidence }
  | { name: "Unreachable" | "FormatError" | "AbortError" | "Error"; message: string };

export type Answer =
  | { id: number; kind: "progress"; done: number; total: number }
  | { id: number; kind: "result"; result: unknown }
  | { id: number; kind: "failure"; failure: Failure };
