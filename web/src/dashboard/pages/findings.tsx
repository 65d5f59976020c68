import type { JSX } from "preact";
import { Shares } from "../components/claim-charts.tsx";
import { Badge, Card, Go, Moment, Verbatim, Waiting } from "../components/parts.tsx";
import type { Disagreement, Entry, Finding, Findings, Merchant } from "../documents.ts";
import { place, useAnswer } from "../service.ts";
import { texts, word } from "../words.ts";

const TONES = { alarm: "bad", warning: "warn", notice: "" };

export function FindingsPage({ merchant }: { merchant: Merchant }): JSX.Element {
  const said = texts.value.findings;
  const answer = useAnswer<Findings>(place(merchant.id, "findings"));
  return (
    <>
      <h1>{said.title}</h1>
      <p class="lead">{said.lead}</p>
      <p class="tools">
        <a href={place(merchant.id, "findings.atom")} type="application/atom+xml">
          {said.atom}
        </a>
        <a href="/methodology">{said.how}</a>
      </p>
      <p>{said.own}</p>
      <Verbatim>{`kvitto audit ${location.origin} --merchant ${merchant.id}`}</Verbatim>
      {answer.document === undefined ? (
        <Waiting answer={answer} />
      ) : (
        <All merchant={merchant} found={answer.document} />
      )}
    </>
  );
}

function All({ merchant, found }: { merchant: Merchant; found: Findings }): JSX.Element {
  const said = texts.value;
  const words = said.findings;
  return (
    <>
      <Card title={words.disagreements} source="said">
        <p class="fine">{words.upTo(found.events)}</p>
        {found.disagreements.length === 0 ? (
          <p class="good">✓ {words.noDisagreements}</p>
        ) : (
          <ul class="plain">
            {found.disagreements.map((each) => (
              <li key={JSON.stringify(each)} class="finding">
                <Broken merchant={merchant} disagreement={each} />
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Card title={words.found} source="said">
        {found.findings.length === 0 ? (
          <p>{words.none}</p>
        ) : (
          <ul class="plain">
            {found.findings.map((each) => (
              <li key={each.id} class="finding" id={`finding-${each.id}`}>
                <Pattern merchant={merchant} finding={each} />
              </li>
            ))}
          </ul>
        )}
      </Card>
      {found.findings.length > 0 && (
        <Shares
          title={words.byDetector}
          source="said"
          name={`${merchant.id}-findings`}
          counts={found.findings.map(({ detector }) => ({ code: detector, count: 1 }))}
          by={{ name: "detector", title: said.chart.detector, words: said.codes.detectors }}
          empty={words.none}
        />
      )}
    </>
  );
}

interface BrokenProps {
  merchant: Merchant;
  disagreement: Disagreement;
}

function Broken({ merchant, disagreement: { rule, why, entries } }: BrokenProps): JSX.Element {
  return (
    <>
      <p>
        <Badge tone="bad">{rule}</Badge> {word(texts.value.codes.rules, rule)}
      </p>
      <p lang="en">{why}</p>
      <Entries merchant={merchant} entries={entries} />
    </>
  );
}

function Pattern({ merchant, finding }: { merchant: Merchant; finding: Finding }): JSX.Element {
  const said = texts.value;
  return (
    <>
      <p>
        <Badge tone={TONES[finding.severity]}>{said.findings.severity[finding.severity]}</Badge>{" "}
        <strong>{word(said.codes.detectors, finding.detector)}</strong>{" "}
        <Moment time={finding.time} />
      </p>
      <Sentence finding={finding} />
      <Entries merchant={merchant} entries={finding.entries} />
      <details>
        <summary>{said.findings.facts}</summary>
        <Verbatim>{JSON.stringify(finding.facts, null, 2)}</Verbatim>
      </details>
    </>
  );
}

/** What was found, in the page's language if it knows how to say it, else in English. */
function Sentence({ finding: { detector, text, facts } }: { finding: Finding }): JSX.Element {
  const { patterns } = texts.value.codes;
  const variants = Object.values(facts).map((fact) => `${detector}/${fact}`);
  const known = [detector, ...variants].find((name) => Object.hasOwn(patterns, name));
  const pattern = known && patterns[known];
  return pattern === undefined ? (
    <p lang="en">{text}</p>
  ) : (
    <p>{pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(facts[name]))}</p>
  );
}

function Entries({ merchant, entries }: { merchant: Merchant; entries: Entry[] }): JSX.Element {
  const said = texts.value;
  return (
    <p class="soft">
      {said.findings.entries}:{" "}
      {entries.map(({ log, index }, place) => (
        <span key={`${log} ${index}`}>
          {place > 0 && ", "}
          <Go to={{ page: "entry", merchant: merchant.id, log, index }}>
            {said.entry.title(said.entry.logs[log], index)}
          </Go>
        </span>
      ))}
    </p>
  );
}
