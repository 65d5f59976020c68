import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ClaimsOverTime, Responses, Shares } from "../components/claim-charts.tsx";
import {
  Badge,
  Card,
  Go,
  Moment,
  Short,
  StateBadge,
  Table,
  Waiting,
} from "../components/parts.tsx";
import type { Merchant, ClaimsPage as Page } from "../documents.ts";
import { useFigures } from "../figures.ts";
import { latestClaims } from "../latest.ts";
import { pulse } from "../service.ts";
import { format, texts, word } from "../words.ts";

const FEW = 10;

export function ClaimsPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value;
  const { answer, overview, source } = useFigures(merchant);
  const file = (name: string): string => `${merchant.id}-${name}`;
  return (
    <>
      <h1>{said.claims.title}</h1>
      <p class="lead">{said.claims.lead}</p>
      {overview === undefined ? (
        <Waiting answer={answer} />
      ) : (
        <>
          <ClaimsOverTime {...{ overview, source }} name={file("claims")} />
          <div class="columns">
            <Shares
              title={said.claims.outcomes}
              counts={overview.claims.map((row) => ({ code: row.state, count: row.count }))}
              by={{ name: "state", title: said.chart.state, words: said.codes.states }}
              isColoured
              {...{ source, name: file("states"), empty: said.claims.none }}
            />
            <Shares
              title={said.claims.reasons}
              counts={overview.declines.map((row) => ({ code: row.reason, count: row.count }))}
              by={{ name: "reason", title: said.chart.reason, words: said.codes.reasons }}
              {...{ source, name: file("declines"), empty: said.claims.noReasons }}
            />
            <Shares
              title={said.claims.policies}
              counts={overview.claims.map((row) => ({ code: row.policy, count: row.count }))}
              by={{ name: "policy", title: said.chart.policy, words: {} }}
              {...{ source, name: file("policies"), empty: said.claims.none }}
            />
            <Shares
              title={said.claims.remedies}
              counts={overview.claims.map((row) => ({ code: row.remedy, count: row.count }))}
              by={{ name: "remedy", title: said.chart.remedy, words: said.codes.remedies }}
              {...{ source, name: file("remedies"), empty: said.claims.none }}
            />
          </div>
          <Responses {...{ overview, source }} name={file("responses")} />
          <p class="fine">{said.claims.responsesLead}</p>
          <Shares
            title={said.claims.voids}
            counts={overview.voids.map((row) => ({ code: row.reason, count: row.count }))}
            by={{ name: "reason", title: said.chart.reason, words: said.codes.voids }}
            {...{ source, name: file("voids"), empty: said.claims.noVoids }}
          />
          <Latest merchant={merchant} events={overview.events} />
        </>
      )}
    </>
  );
}

interface LatestProps {
  merchant: Merchant;
  /** How many events there are. */
  events: number;
}

function Latest({ merchant, events }: LatestProps): JSX.Element {
  const said = texts.value.claims;
  const [wanted, setWanted] = useState(FEW);
  const [claims, setClaims] = useState<Page["claims"]>();
  const beat = pulse.value;
  useEffect(() => {
    void beat;
    latestClaims(merchant.id, events, wanted).then(setClaims, () => setClaims([]));
  }, [merchant.id, events, wanted, beat]);
  return (
    <Card title={said.list} source="said">
      {claims === undefined && <p class="soft">{texts.value.state.loading}</p>}
      {claims?.length === 0 && <p class="soft">{said.none}</p>}
      {claims !== undefined && claims.length > 0 && (
        <Table
          caption={said.list}
          columns={[said.claim, said.policy, said.remedy, said.state, said.decided, said.due]}
          rows={claims.slice(0, wanted).map((claim) => rowOf(merchant.id, claim))}
        />
      )}
      {claims !== undefined && claims.length > wanted && (
        <p>
          <button type="button" onClick={() => setWanted(wanted * 4)}>
            {said.more}
          </button>
        </p>
      )}
    </Card>
  );
}

function rowOf(merchant: string, claim: Page["claims"][number]): ComponentChildren[] {
  const said = texts.value;
  const { state, opened, due, overdue } = claim.case;
  const { policy, version, remedy } = claim.receipt.event.claim;
  return [
    <Go key="claim" to={{ page: "claim", merchant, id: claim.claim_id }}>
      <Short id={claim.claim_id} />
    </Go>,
    `${policy}${said.marks.comma}${said.policies.version(version)}`,
    word(said.codes.remedies, remedy),
    <StateBadge key="state" state={state} />,
    <Moment key="opened" time={opened} />,
    due !== null && (
      <>
        {format.value.moment(due)} {overdue && <Badge tone="bad">{said.claims.overdue}</Badge>}
      </>
    ),
  ];
}
