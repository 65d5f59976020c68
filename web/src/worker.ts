// Verification in a thread of its own, so that the page stays responsive.

import type { Answer, CallName, Calls, Failure, OpenedLog, Request } from "./calls.ts";
import { verifyClaim } from "./verify/claim_check.ts";
import { FormatError, Lie, Unreachable } from "./verify/errors.ts";
import { openLog, type Progress, type VerifiedLog } from "./verify/ledger/log.ts";
import { checkOverview, recount } from "./verify/overview.ts";

interface Running {
  id: number;
  signal: AbortSignal;
  onProgress: Progress;
}

type Handlers = {
  [Name in CallName]: (running: Running, ...args: Calls[Name][0]) => Promise<Calls[Name][1]>;
};

const logs = new Map<number, VerifiedLog>();
const running = new Map<number, AbortController>();
function log(handle: number): VerifiedLog {
  const found = logs.get(handle);
  if (found === undefined) {
    throw new FormatError("no such log is open");
  }
  return found;
}

function opened(handle: number, log: VerifiedLog): OpenedLog {
  const { origin, size, root, note, signers, cosignatures, seen } = log;
  return { handle, origin, size, root, note, signers, cosignatures, seen };
}

const handlers: Handlers = {
  // Its handle is the number of the call: one that a worker before this one gave means nothing here.
  async openLog({ id }, base, vkeys, witnesses, seen) {
    const found = await openLog(base, vkeys, witnesses, seen);
    logs.set(id, found);
    return opened(id, found);
  },
  async closeLog(_, handle) {
    logs.delete(handle);
    return undefined;
  },
  entry: (_, handle, index) => log(handle).entry(index),
  entries: ({ onProgress, signal }, handle, start, stop) =>
    log(handle).entries(start, stop, onProgress, signal),
  async checkAll({ onProgress, signal }, handle) {
    await log(handle).checkAll(onProgress, signal);
    return undefined;
  },
  accuse: async (_, handle, kind, why, indices, files) =>
    (await log(handle).accuse(kind, why, indices, files)).evidence,
  verifyClaim: ({ onProgress, signal }, events, purchases, index) =>
    verifyClaim(log(events), log(purchases), index, onProgress, signal),
  recount: ({ onProgress, signal }, events) => recount(log(events), onProgress, signal),
  checkOverview: ({ onProgress, signal }, events, served) =>
    checkOverview(log(events), served, onProgress, signal),
};

function failure(error: unknown): Failure {
  if (error instanceof Lie) {
    return { name: "Lie", evidence: error.evidence };
  }
  const { name, message } = error instanceof Error ? error : { name: "Error", message: "" };
  if (error instanceof Unreachable) {
    return { name: "Unreachable", message };
  }
  return { name: name === "FormatError" || name === "AbortError" ? name : "Error", message };
}

function post(answer: Answer): void {
  postMessage(answer);
}

async function run<Name extends CallName>(
  id: number,
  name: Name,
  args: Calls[Name][0],
): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const onProgress: Progress = (done, total) => post({ id, kind: "progress", done, total });
  try {
    const result = await handlers[name]({ id, signal: controller.signal, onProgress }, ...args);
    post({ id, kind: "result", result });
  } catch (error) {
    post({ id, kind: "failure", failure: failure(error) });
  } finally {
    running.delete(id);
  }
}

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.call === "cancel") {
    running.get(data.id)?.abort();
  } else {
    void run(data.id, data.call, data.args as Calls[typeof data.call][0]);
  }
});
