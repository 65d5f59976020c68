// The page's side of the worker: the calls of `verify/`, with the same errors.

import type { Answer, CallName, Calls, Failure, OpenedLog, Request } from "./calls.ts";
import type { ClaimCheck } from "./verify/claim_check.ts";
import { FormatError, Lie, type LieKind, type ServedBytes, Unreachable } from "./verify/errors.ts";
import type { Cosignature } from "./verify/ledger/cosignature.ts";
import type { Progress, Seen } from "./verify/ledger/log.ts";
import type { Overview } from "./verify/overview.ts";
import workerUrl from "./worker.ts?worker&url";

export type { ClaimCheck, Cosignature, Overview, Progress, Seen };
export { FormatError, Lie, Unreachable };

/** What every call may be given: who is told how far it is, and who may cancel it. */
export interface Options {
  onProgress?: Progress;
  signal?: AbortSignal;
}

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
  onProgress: Progress | undefined;
}

/** The policy under which the page may start this one script (see the service's own policy). */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const waiting = new Map<number, Waiting>();
let ids = 0;
let worker: Worker | undefined;

/** A log that the worker has verified: see `VerifiedLog`. */
export class RemoteLog {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly signers: readonly string[];
  readonly cosignatures: readonly Cosignature[];
  readonly seen: Seen;
  readonly handle: number;

  constructor(opened: OpenedLog) {
    this.origin = opened.origin;
    this.size = opened.size;
    this.root = opened.root;
    this.note = opened.note;
    this.signers = opened.signers;
    this.cosignatures = opened.cosignatures;
    this.seen = opened.seen;
    this.handle = opened.handle;
  }

  entry(index: number, options: Options = {}): Promise<Uint8Array> {
    return call("entry", [this.handle, index], options);
  }

  entries(start: number, stop: number, options: Options = {}): Promise<Uint8Array[]> {
    return call("entries", [this.handle, start, stop], options);
  }

  checkAll(options: Options = {}): Promise<undefined> {
    return call("checkAll", [this.handle], options);
  }

  /** The lie that its server tells about these entries, with the evidence. */
  async accuse(kind: LieKind, why: string, indices: number[], files: ServedBytes[]): Promise<Lie> {
    return new Lie(await call("accuse", [this.handle, kind, why, indices, files], {}));
  }

  /** Let the worker forget the log; it cannot be asked any more. */
  close(): Promise<undefined> {
    return call("closeLog", [this.handle], {});
  }
}

/** The log at an address. `Lie` when it or its server contradicts itself, else `Unreachable`. */
export async function openLog(
  base: string,
  vkeys: string[],
  witnesses: string[],
  seen: readonly Seen[] = [],
  options: Options = {},
): Promise<RemoteLog> {
  const absolute = new URL(base, location.href).href;
  return new RemoteLog(await call("openLog", [absolute, vkeys, witnesses, seen], options));
}

/** Check the claim at `index` of the event log again, proof and all. */
export function verifyClaim(
  events: RemoteLog,
  purchases: RemoteLog,
  index: number,
  options: Options = {},
): Promise<ClaimCheck> {
  return call("verifyClaim", [events.handle, purchases.handle, index], options);
}

/** The numbers of the charts, counted from the events themselves. */
export function recount(events: RemoteLog, options: Options = {}): Promise<Overview> {
  return call("recount", [events.handle], options);
}

/** Count again what `served`, an answer of `…/overview`, counts. `Lie` if it differs. */
export function checkOverview(
  events: RemoteLog,
  served: unknown,
  options: Options = {},
): Promise<Overview> {
  return call("checkOverview", [events.handle, served], options);
}

function call<Name extends CallName>(
  name: Name,
  args: Calls[Name][0],
  { onProgress, signal }: Options,
): Promise<Calls[Name][1]> {
  if (signal?.aborted) {
    return Promise.reject(signal.reason);
  }
  const id = ++ids;
  return new Promise<Calls[Name][1]>((resolve, reject) => {
    const answered = (result: unknown): void => resolve(result as Calls[Name][1]);
    waiting.set(id, { resolve: answered, reject, onProgress });
    signal?.addEventListener("abort", () => cancel(id, signal), { once: true });
    post({ id, call: name, args });
  });
}

function cancel(id: number, signal: AbortSignal): void {
  const waiter = waiting.get(id);
  if (waiter !== undefined) {
    waiting.delete(id);
    post({ id, call: "cancel" });
    waiter.reject(signal.reason);
  }
}

function post(request: Request): void {
  worker ??= startWorker();
  worker.postMessage(request);
}

function startWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("kvitto-worker", {
    createScriptURL: (url) => (url === workerUrl ? url : ""),
  });
  const url = policy?.createScriptURL(workerUrl) ?? workerUrl;
  const started = new Worker(url, { type: "module" });
  started.addEventListener("message", ({ data }: MessageEvent<Answer>) => receive(data));
  started.addEventListener("error", () => {
    for (const { reject } of waiting.values()) {
      reject(new Error("the worker has stopped"));
    }
    waiting.clear();
    worker = undefined;
  });
  return started;
}

function receive(answer: Answer): void {
  const waiter = waiting.get(answer.id);
  if (answer.kind === "progress") {
    waiter?.onProgress?.(answer.done, answer.total);
    return;
  }
  waiting.delete(answer.id);
  if (answer.kind === "result") {
    waiter?.resolve(answer.result);
  } else {
    waiter?.reject(thrown(answer.failure));
  }
}

function thrown(failure: Failure): Error {
  if (failure.name === "Lie") {
    return new Lie(failure.evidence);
  }
  switch (failure.name) {
    case "Unreachable":
      return new Unreachable(failure.message);
    case "FormatError":
      return new FormatError(failure.message);
    case "AbortError":
      return new DOMException(failure.message, "AbortError");
    case "Error":
      return new Error(failure.message);
  }
}
