import type { JSX } from "preact";
import { Badge, Card, Go, Waiting } from "../components/parts.tsx";
import type { SearchPage as Found, Merchant } from "../documents.ts";
import type { Route } from "../router.ts";
import { place, useAnswer } from "../service.ts";
import { texts } from "../words.ts";

interface SearchProps {
  merchant: Merchant;
  query: string;
}

export function SearchPage({ merchant, query }: SearchProps): JSX.Element {
  const said = texts.value.search;
  const answer = useAnswer<Found>(place(merchant.id, `search?q=${encodeURIComponent(query)}`));
  const results = answer.document?.results;
  return (
    <>
      <h1>{said.for(query)}</h1>
      <p class="lead">{said.lead}</p>
      <Card title={said.title} source="said">
        {results === undefined && <Waiting answer={answer} />}
        {results?.length === 0 && <p role="status">{said.none}</p>}
        <ul class="plain">
          {results?.map((result) => (
            <li key={`${result.kind} ${result.log} ${result.index}`}>
              <Badge tone="">{said.kinds[result.kind]}</Badge>{" "}
              <Go to={routeOf(merchant.id, result)}>{result.title}</Go>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}

/** Claims and policies have pages of their own, which lead to their entries. */
function routeOf(merchant: string, { kind, log, index, title }: Found["results"][number]): Route {
  const [name = ""] = title.split(/[, ]/);
  switch (kind) {
    case "claim":
      return { page: "claim", merchant, id: name };
    case "policy":
      return { page: "policy", merchant, id: name };
    default:
      return { page: "entry", merchant, log, index };
  }
}
