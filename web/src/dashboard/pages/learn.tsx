import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Envelope } from "../components/envelope.tsx";
import { Card, Verbatim } from "../components/parts.tsx";
import type { Merchant } from "../documents.ts";
import { href } from "../router.ts";
import { checkOf } from "../trust.ts";
import { texts } from "../words.ts";

export function LearnPage({ merchants }: { merchants: Merchant[] }): JSX.Element {
  const said = texts.value.learn;
  return (
    <div class="prose">
      <h1>{said.title}</h1>
      <p class="lead">{said.lead}</p>
      <Card title={said.problem.title}>
        {said.problem.text.map((each) => (
          <p key={each}>{each}</p>
        ))}
      </Card>
      <Card title={said.public.title}>
        <div class="columns">
          <Listed title={said.public.open} items={said.public.openItems} kind="open" />
          <Listed title={said.public.hidden} items={said.public.hiddenItems} kind="hidden" />
        </div>
        <p class="fine">{said.public.honest}</p>
      </Card>
      <Envelope />
      <Card title={said.log.title}>
        <p>{said.log.lead}</p>
        <Pick merchants={merchants} />
      </Card>
      <Card title={said.why.title}>
        {said.why.text.map((each) => (
          <p key={each}>{each}</p>
        ))}
        <Verbatim>{`kvitto audit ${location.origin}`}</Verbatim>
      </Card>
    </div>
  );
}

interface ListedProps {
  title: string;
  items: string[];
  kind: string;
}

function Listed({ title, items, kind }: ListedProps): JSX.Element {
  return (
    <div>
      <h3>{title}</h3>
      <ul class={kind}>
        {items.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </div>
  );
}

/** Leads to any entry of the purchase log of the first merchant that has some. */
function Pick({ merchants }: { merchants: Merchant[] }): JSX.Element {
  const said = texts.value.learn.log;
  const [isEmpty, setIsEmpty] = useState(false);
  const sizes = merchants.map((merchant) => ({
    merchant: merchant.id,
    size: checkOf(merchant, "purchases").value.log?.size ?? 0,
  }));
  const pick = (): void => {
    const found = sizes.find(({ size }) => size > 0);
    if (found === undefined) {
      setIsEmpty(true);
      return;
    }
    const index = Math.floor(Math.random() * found.size);
    location.hash = href({ page: "entry", merchant: found.merchant, log: "purchases", index });
  };
  return (
    <>
      <p>
        <button type="button" class="main" onClick={pick}>
          {said.pick}
        </button>
      </p>
      <p role="status">{isEmpty && said.none}</p>
    </>
  );
}
