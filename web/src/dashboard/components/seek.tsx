import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { href } from "../router.ts";
import { texts } from "../words.ts";

/** Looks for something of a merchant; what is found has a page of its own. */
export function Seek({ merchant }: { merchant: string }): JSX.Element {
  const { search } = texts.value;
  const [query, setQuery] = useState("");
  const seek = (event: Event): void => {
    event.preventDefault();
    const wanted = query.trim();
    if (wanted !== "") {
      location.hash = href({ page: "search", merchant, query: wanted });
    }
  };
  return (
    <search>
      <form onSubmit={seek}>
        <input
          type="search"
          aria-label={`${search.label}: ${search.hint}`}
          placeholder={search.hint}
          spellcheck={false}
          autoComplete="off"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <button type="submit">{search.label}</button>
      </form>
    </search>
  );
}
