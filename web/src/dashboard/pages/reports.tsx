import type { JSX } from "preact";
import { Badge, Card, Go, Moment, Table, Waiting } from "../components/parts.tsx";
import type { Merchant, Reports } from "../documents.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts } from "../words.ts";

export function ReportsPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.reports;
  const answer = useAnswer<Reports>(place(merchant.id, "reports"));
  const reports = answer.document?.reports;
  return (
    <>
      <h1>{said.title}</h1>
      <p class="lead">{said.lead}</p>
      {reports === undefined && <Waiting answer={answer} />}
      {reports?.length === 0 && <p>{said.none}</p>}
      {reports !== undefined && reports.length > 0 && (
        <Card title={said.title} source="said">
          <Table
            caption={said.title}
            columns={[said.month, said.published]}
            rows={reports.map(({ month, time, counts }) => [
              <Go key="month" to={{ page: "report", merchant: merchant.id, month }}>
                {format.value.month(month)}
              </Go>,
              <>
                <Moment time={time} /> {!counts && <Badge tone="">{said.notLast}</Badge>}
              </>,
            ])}
          />
        </Card>
      )}
    </>
  );
}
