import type { ComponentChildren, JSX } from "preact";
import { ClaimsOverTime } from "../components/claim-charts.tsx";
import { History } from "../components/history.tsx";
import { Card, Facts, type Source, SourceBadge, Waiting } from "../components/parts.tsx";
import type { Events, LogEvent, Merchant, Policy, PolicyVersion } from "../documents.ts";
import { useFigures } from "../figures.ts";
import { useProven } from "../proven.ts";
import { place, useAnswer } from "../service.ts";
import { isSame } from "../shown.ts";
import { format, texts, word } from "../words.ts";
import { End } from "./policies.tsx";

const POLICY_EVENTS = "policy.published,policy.superseded,policy.withdrawn";
const ANY_PRICE = 2 ** 48 - 1; // protocol.md 3: larger ones cannot be committed to

interface PolicyProps {
  merchant: Merchant;
  id: string;
}

export function PolicyPage({ merchant, id }: PolicyProps): JSX.Element {
  const said = texts.value;
  const answer = useAnswer<{ policies: PolicyVersion[] }>(place(merchant.id, "policies"));
  const events = useAnswer<Events>(place(merchant.id, `events?types=${POLICY_EVENTS}`));
  const { overview, source } = useFigures(merchant);
  const about = (events.document?.events ?? []).filter(({ event }) => isAbout(event, id));
  const isProven = useProven(merchant, about);
  const versions = answer.document?.policies.filter(({ policy }) => policy.id === id).reverse();
  const [newest] = versions ?? [];
  if (versions === undefined) {
    return <Waiting answer={answer} />;
  }
  const isLogged = ({ policy }: PolicyVersion): boolean =>
    isProven && about.some(({ event: { policy: logged } }) => isSame(logged, policy));
  return (
    <>
      <h1>{newest?.policy.title ?? said.state.missing}</h1>
      <p class="lead">
        <code>{id}</code>
      </p>
      <History
        title={said.policies.history}
        merchant={merchant}
        events={about}
        source={isProven ? "checked" : "said"}
        sentence={sentence}
      />
      {versions.map((version) => (
        <VersionCard
          key={version.policy.version}
          version={version}
          source={isLogged(version) ? "checked" : "said"}
        />
      ))}
      {overview !== undefined && (
        <ClaimsOverTime
          overview={{ ...overview, claims: overview.claims.filter((row) => row.policy === id) }}
          source={source}
          name={`${merchant.id}-${id}-claims`}
        />
      )}
    </>
  );
}

/** Whether an event publishes or ends a version of the policy. */
function isAbout({ policy }: LogEvent, id: string): boolean {
  return policy === id || (policy as Partial<Policy> | null)?.id === id;
}

function sentence(event: LogEvent): string {
  const { marks, policies: said } = texts.value;
  if (event.type === "policy.published") {
    const { policy } = event as LogEvent & { policy: Policy };
    return `${said.version(policy.version)}${marks.colon}${said.published}`;
  }
  const { version, by, from } = event as LogEvent & { version: number; by?: number; from: string };
  const what = by === undefined ? said.withdrawn : said.superseded(by);
  return `${said.version(version)}${marks.colon}${what}${marks.comma}${said.forPurchases(format.value.day(from))}`;
}

interface VersionProps {
  version: PolicyVersion;
  source: Source;
}

function VersionCard({ version, source }: VersionProps): JSX.Element {
  const said = texts.value;
  const { policy } = version;
  const words = said.policies;
  const facts: [string, ComponentChildren][] = [
    [said.entry.type, word(said.codes.kinds, policy.kind)],
    [words.products, codes(policy.products)],
    [words.batches, policy.batches && codes(policy.batches)],
    [words.purchased, policy.purchased && windowOf(policy.purchased)],
    [words.coversFrom, policy.covers_from && format.value.day(policy.covers_from)],
    [words.price, policy.price && priceOf(policy.price)],
    [
      words.remedies,
      policy.remedies.map((remedy) => word(said.codes.remedies, remedy)).join(said.marks.list),
    ],
    [words.perPurchase, format.value.number(policy.claims_per_purchase)],
    [
      words.valid,
      words.fromTo(format.value.day(policy.valid_from), format.value.day(policy.valid_to)),
    ],
    [words.response, durationOf(policy.response_time)],
    [words.review, policy.review ? words.byPerson : words.byProof],
    [words.endsOwnership, policy.ends_ownership ? words.yes : words.no],
    [words.smallestRing, words.smallestRingMeans(policy.smallest_ring)],
    [
      words.terms,
      policy.terms && (
        <a key="terms" href={policy.terms} rel="noreferrer noopener">
          {policy.terms}
        </a>
      ),
    ],
  ];
  return (
    <Card
      title={`${policy.title}${said.marks.comma}${words.version(policy.version)}`}
      source={source}
    >
      <Facts of={facts} />
      <p class="fine">
        <End version={version} /> <SourceBadge source="said" />
      </p>
    </Card>
  );
}

function codes(all: string[]): JSX.Element {
  return <code>{all.join(", ")}</code>;
}

function windowOf(purchased: NonNullable<Policy["purchased"]>): string {
  const said = texts.value.policies;
  if ("from" in purchased) {
    return said.fromTo(format.value.day(purchased.from), format.value.day(purchased.to));
  }
  const newest = durationOf(purchased.newest);
  return said.purchasedSpan(
    durationOf(purchased.oldest),
    /[1-9]/.test(purchased.newest) ? newest : null,
  );
}

function priceOf({ currency, min, max }: NonNullable<Policy["price"]>): string {
  const { money } = format.value;
  return max >= ANY_PRICE
    ? `≥ ${money(min, currency)}`
    : texts.value.policies.fromTo(money(min, currency), money(max, currency));
}

/** An ISO 8601 duration such as `P1Y6M` in words. */
function durationOf(duration: string): string {
  const { units, unit } = texts.value.policies;
  const parts = [...duration.matchAll(/([0-9]+)([YMWD])/g)];
  return parts
    .map(([, count = "", letter = "D"]) => {
      const [one = "", several = ""] = units[letter as keyof typeof units];
      return unit(Number(count), one, several);
    })
    .join(" ");
}
