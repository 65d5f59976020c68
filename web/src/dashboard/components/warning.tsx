import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import alarm from "../alarm.svg";
import { saveJson } from "../saving.ts";
import { lies, type Told } from "../trust.ts";
import { texts } from "../words.ts";

/** Says that something is false, as soon as it is known and as long as the page is open. */
export function Warning(): JSX.Element {
  const told = lies.value;
  useEffect(() => {
    if (told.length > 0) {
      document.documentElement.classList.add("false");
      document.querySelector("link[rel=icon]")?.setAttribute("href", alarm);
    }
  }, [told]);
  return (
    <div role="alert">
      {told.map((each) => (
        <Lie key={`${each.origin} ${each.lie.kind}`} told={each} />
      ))}
    </div>
  );
}

function Lie({ told: { origin, lie } }: { told: Told }): JSX.Element {
  const said = texts.value.lie;
  return (
    <section class="lie">
      <h2>{said.title}</h2>
      <p>
        {said.found(origin)} <strong>{said.kinds[lie.kind]}</strong>
      </p>
      <ol>
        {said.todo.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ol>
      <p>
        <button
          type="button"
          class="main"
          onClick={() => saveJson(fileOf(origin, lie.kind), lie.evidence)}
        >
          {said.evidence}
        </button>
      </p>
      <p class="fine">{said.worth}</p>
      <p class="fine">
        <code>{lie.message}</code>
      </p>
    </section>
  );
}

function fileOf(origin: string, kind: string): string {
  return `${origin}-${kind}`.replaceAll(/[^A-Za-z0-9.-]+/g, "-");
}
