import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ClaimCheck } from "../../client.ts";
import type { Merchant } from "../documents.ts";
import { checkOf, tell } from "../trust.ts";
import { verified } from "../verified.ts";
import { format, texts } from "../words.ts";
import { Card, Progress } from "./parts.tsx";

type Verification =
  | { state: "idle" | "false" | "unable" }
  | { state: "running"; done: number; total: number }
  | { state: "holds"; check: ClaimCheck; milliseconds: number };

/** Whoever opens the page of a claim by its address has come for this. */
const opened = location.hash;

interface VerifyProps {
  merchant: Merchant;
  id: string;
  /** Where its decision is in the event log, as the service says. */
  index: number;
}

export function VerifyCard({ merchant, id, index }: VerifyProps): JSX.Element {
  const said = texts.value.claim;
  const events = checkOf(merchant, "events").value.log;
  const purchases = checkOf(merchant, "purchases").value.log;
  const [done, setDone] = useState<Verification>({ state: "idle" });
  const isReady = events !== undefined && purchases !== undefined;
  const verify = async (): Promise<void> => {
    const onProgress = (done: number, total: number): void => {
      setDone({ state: "running", done, total });
    };
    onProgress(0, 0);
    const began = performance.now();
    try {
      const check = await verified(merchant, id, index, { onProgress });
      setDone({ state: "holds", check, milliseconds: performance.now() - began });
    } catch (error) {
      setDone({ state: tell(merchant.origin, error) ? "false" : "unable" });
    }
  };
  useEffect(() => {
    if (isReady && location.hash === opened) {
      void verify();
    }
  }, [isReady]);
  return (
    <Card title={said.verifyTitle} source={done.state === "holds" ? "checked" : undefined}>
      <p>{said.verifyLead}</p>
      <div role="status">
        {done.state === "running" && <p>{said.verifying}</p>}
        {done.state === "holds" && <Holds check={done.check} milliseconds={done.milliseconds} />}
        {done.state === "unable" && <p>{said.unable}</p>}
        {done.state === "false" && <p class="bad">{texts.value.lie.title}</p>}
      </div>
      {done.state === "running" ? (
        <Progress done={done.done} total={done.total} />
      ) : (
        <p>
          <button type="button" class="main" disabled={!isReady} onClick={() => void verify()}>
            {said.verify}
          </button>
        </p>
      )}
    </Card>
  );
}

function Holds({ check, milliseconds }: { check: ClaimCheck; milliseconds: number }): JSX.Element {
  const said = texts.value.claim;
  const written = format.value.milliseconds;
  return (
    <>
      <p class="verdict good">✓ {said.holds}</p>
      <p>{said.holdsMeans(check.ring.members)}</p>
      <ul class="checks">
        {check.checked.map((step) => (
          <li key={step}>{said.steps[step]}</li>
        ))}
      </ul>
      <p class="fine">{said.timing(written(milliseconds), written(check.milliseconds.proof))}</p>
    </>
  );
}
