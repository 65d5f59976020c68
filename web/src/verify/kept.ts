// What was made of logs is gone on with when they have grown, and one after the other.

import type { VerifiedLog } from "./ledger/log.ts";
import { equalBytes } from "./wire.ts";

/** Whatever is made by reading logs from their beginning, by the origin of the first of them. */
export class Kept<T> {
  readonly #known = new Map<string, { logs: readonly VerifiedLog[]; value: T }>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Use what was made of these logs so far, or of what they were before, or make it anew. Nobody
   * else uses it meanwhile.
   */
  use<R>(
    logs: readonly [VerifiedLog, ...VerifiedLog[]],
    make: () => Promise<T>,
    use: (value: T) => Promise<R>,
  ): Promise<R> {
    const turn = this.#turn.then(async () => use(await this.#find(logs, make)));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #find(logs: readonly [VerifiedLog, ...VerifiedLog[]], make: () => Promise<T>): Promise<T> {
    const { origin } = logs[0];
    const known = this.#known.get(origin);
    const same = known !== undefined && (await extend(known.logs, logs));
    const value = same ? known.value : await make();
    this.#known.set(origin, { logs, value });
    return value;
  }
}

/** Whether each log is what it was, or extends it. */
async function extend(
  before: readonly VerifiedLog[],
  now: readonly VerifiedLog[],
): Promise<boolean> {
  for (const [i, log] of now.entries()) {
    const was = before[i];
    const root = was && (await log.rootAt(was.size));
    if (was === undefined || root === undefined || !equalBytes(root, was.root)) {
      return false;
    }
  }
  return before.length === now.length;
}
