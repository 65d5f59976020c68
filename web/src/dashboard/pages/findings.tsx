import type { JSX } from "preact";
import { Shares } from "../components/claim-charts.tsx";
import { Badge, Card, Go, Moment, Verbatim, Waiting } from "../components/parts.tsx";
import type { Disagreement, Entry, Finding, Findings, Merchant } from "../documents.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts, word } from "../words.ts";

const FEW = 8; // entries of a finding; one that is about a month may have hundreds
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
          <p>{words.noDisagreements}</p>
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
        <a href={`/methodology#${finding.detector}`}>
          {word(said.codes.detectors, finding.detector)}
        </a>{" "}
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
    <p>{pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => written(name, facts[name]))}</p>
  );
}

/** A fact in the page's language. */
function written(name: string, fact: unknown): string {
  const { codes } = texts.value;
  if (typeof fact === "number") {
    return format.value.number(fact);
  }
  const text = String(fact);
  switch (name) {
    case "reason":
      return word({ ...codes.voids, ...codes.reasons }, text);
    case "month":
      return format.value.month(text);
    default:
      return text;
  }
}

/** Links to entries; where they are many, the others are for who asks. */
function Entries({ merchant, entries }: { merchant: Merchant; entries: Entry[] }): JSX.Element {
  const said = texts.value;
  const [few, others] = [entries.slice(0, FEW), entries.slice(FEW)];
  return (
    <>
      <ul class="entries" aria-label={said.findings.entries}>
        {few.map((entry) => (
          <EntryLink key={`${entry.log} ${entry.index}`} {...{ merchant, entry }} />
        ))}
      </ul>
      {others.length > 0 && (
        <details>
          <summary>{said.findings.more(others.length)}</summary>
          <ul class="entries">
            {others.map((entry) => (
              <EntryLink key={`${entry.log} ${entry.index}`} {...{ merchant, entry }} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function EntryLink({ merchant, entry }: { merchant: Merchant; entry: Entry }): JSX.Element {
  const said = texts.value.entry;
  return (
    <li>
      <Go to={{ page: "entry", merchant: merchant.id, ...entry }}>
        {said.title(said.logs[entry.log], entry.index)}
      </Go>
    </li>
  );
}
