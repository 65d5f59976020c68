import type { JSX } from "preact";
import { Card, Go, Moment, Table, Waiting } from "../components/parts.tsx";
import type { Merchant } from "../documents.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts } from "../words.ts";

interface Report {
  number: number;
  month: string;
  time: string;
  report: Record<string, unknown>;
}

export function ReportsPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.reports;
  const answer = useAnswer<{ reports: Report[] }>(place(merchant.id, "reports"));
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
            rows={reports.map(({ month, time }) => [
              <Go key="month" to={{ page: "report", merchant: merchant.id, month }}>
                {format.value.month(month)}
              </Go>,
              <Moment key="time" time={time} />,
            ])}
          />
        </Card>
      )}
    </>
  );
}

interface ReportProps {
  merchant: Merchant;
  month: string;
}

export function ReportPage({ merchant, month }: ReportProps): JSX.Element {
  return <p>{merchant.id + month}</p>;
}
