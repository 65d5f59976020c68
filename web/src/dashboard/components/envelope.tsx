import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { texts } from "../words.ts";
import { Card } from "./parts.tsx";

interface Sealed {
  commitment: string;
  random: string;
}

const HEX = "[0-9a-fA-F]{1,64}";

/** Seal a price, open it, and fail to change it. */
export function Envelope(): JSX.Element {
  const said = texts.value.learn.commit;
  const [price, setPrice] = useState("24900");
  const [sealed, setSealed] = useState<Sealed | undefined>();
  const close = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { randomNumber, seal } = await import("../sealing.ts");
    const random = randomNumber();
    setSealed({ commitment: seal(Number(price), random), random });
  };
  return (
    <Card title={said.title}>
      <p>{said.lead}</p>
      <form class="tools" onSubmit={(event) => void close(event)}>
        <Field label={said.price} value={price} onChange={setPrice} isNumber />
        <button type="submit" class="main">
          {said.seal}
        </button>
      </form>
      {sealed !== undefined && (
        <>
          <p class="soft">{said.sealed}</p>
          <p role="status">
            <output class="sealed">{sealed.commitment}</output>
          </p>
          <p class="fine">{said.again}</p>
          <Opening key={sealed.commitment} sealed={sealed} price={price} />
        </>
      )}
    </Card>
  );
}

function Opening({ sealed, price }: { sealed: Sealed; price: string }): JSX.Element {
  const said = texts.value.learn.commit;
  const [claimed, setClaimed] = useState(price);
  const [random, setRandom] = useState(sealed.random);
  const [fits, setFits] = useState<boolean | undefined>();
  const compare = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { seal } = await import("../sealing.ts");
    setFits(seal(Number(claimed), random) === sealed.commitment);
  };
  return (
    <>
      <h3>{said.open}</h3>
      <p>{said.openLead}</p>
      <form class="tools" onSubmit={(event) => void compare(event)}>
        <Field label={said.claimed} value={claimed} onChange={setClaimed} isNumber />
        <Field label={said.random} value={random} onChange={setRandom} />
        <button type="submit">{said.check}</button>
      </form>
      <p role="status" class={fits ? "good" : "bad"}>
        {fits !== undefined && (fits ? `✓ ${said.fits}` : `✗ ${said.fitsNot}`)}
      </p>
    </>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  isNumber?: boolean;
}

function Field({ label, value, onChange, isNumber = false }: FieldProps): JSX.Element {
  const kind = isNumber
    ? ({ type: "number", min: 0, max: 1_000_000_000, step: 1 } as const)
    : ({ type: "text", pattern: HEX, spellcheck: false, class: "long" } as const);
  return (
    <label class="field">
      <span>{label}</span>
      <input
        {...kind}
        required
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}
