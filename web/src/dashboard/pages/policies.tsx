import type { JSX } from "preact";
import { Badge, Card, Go, Moment, Table, Waiting } from "../components/parts.tsx";
import type { Merchant, PolicyVersion } from "../documents.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts, word } from "../words.ts";

export function PoliciesPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value;
  const answer = useAnswer<{ policies: PolicyVersion[] }>(place(merchant.id, "policies"));
  const versions = answer.document?.policies;
  return (
    <>
      <h1>{said.policies.title}</h1>
      <p class="lead">{said.policies.lead}</p>
      {versions === undefined && <Waiting answer={answer} />}
      {versions?.length === 0 && <p>{said.policies.none}</p>}
      {versions !== undefined && versions.length > 0 && (
        <Card title={said.policies.title} source="said">
          <Table
            caption={said.policies.title}
            columns={[
              said.claims.policy,
              said.chart.version,
              said.entry.type,
              said.policies.published,
              said.claims.state,
            ]}
            rows={versions.map((version) => [
              <Go
                key="policy"
                to={{ page: "policy", merchant: merchant.id, id: version.policy.id }}
              >
                {version.policy.title}
              </Go>,
              `${version.policy.id}${said.marks.comma}${said.policies.version(version.policy.version)}`,
              word(said.codes.kinds, version.policy.kind),
              <Moment key="published" time={version.published} />,
              <End key="end" version={version} />,
            ])}
          />
        </Card>
      )}
    </>
  );
}

/** Whether a version still covers new purchases. */
export function End({ version: { ends } }: { version: PolicyVersion }): JSX.Element {
  const said = texts.value.policies;
  return ends === null ? (
    <Badge tone="good">{said.inForce}</Badge>
  ) : (
    <>
      <Badge tone="">{said.ended}</Badge> {said.forPurchases(format.value.day(ends))}
    </>
  );
}
