import type { ComponentChildren, JSX } from "preact";
import { ClaimsOverTime } from "../components/claim-charts.tsx";
import { Card, Facts, Go, Moment, Waiting } from "../components/parts.tsx";
import type { Merchant, Policy, PolicyVersion } from "../documents.ts";
import { useFigures } from "../figures.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts, word } from "../words.ts";
import { End } from "./policies.tsx";

const ANY_PRICE = 2 ** 48 - 1; // protocol.md 3: larger ones cannot be committed to

interface PolicyProps {
  merchant: Merchant;
  id: string;
}

export function PolicyPage({ merchant, id }: PolicyProps): JSX.Element {
  const said = texts.value;
  const answer = useAnswer<{ policies: PolicyVersion[] }>(place(merchant.id, "policies"));
  const { overview, source } = useFigures(merchant);
  const versions = answer.document?.policies.filter(({ policy }) => policy.id === id).reverse();
  const [newest] = versions ?? [];
  if (versions === undefined) {
    return <Waiting answer={answer} />;
  }
  return (
    <>
      <h1>{newest?.policy.title ?? said.state.missing}</h1>
      <p class="lead">
        <code>{id}</code>
      </p>
      {versions.length > 0 && <History merchant={merchant} id={id} versions={versions} />}
      {versions.map((version) => (
        <VersionCard key={version.policy.version} version={version} />
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

interface HistoryProps extends PolicyProps {
  versions: PolicyVersion[];
}

function History({ merchant, id, versions }: HistoryProps): JSX.Element {
  const said = texts.value.policies;
  const moments = versions.flatMap(({ policy, published, endings }) => [
    { time: published, version: policy.version, what: said.published },
    ...endings.map(({ time, by, from }) => ({
      time,
      version: policy.version,
      what: `${by === null ? said.withdrawn : said.superseded(by)}, ${said.forPurchases(format.value.day(from))}`,
    })),
  ]);
  moments.sort((one, other) => one.time.localeCompare(other.time) || one.version - other.version);
  return (
    <Card title={said.history} source="said">
      <ol class="history">
        {moments.map(({ time, version, what }) => (
          <li key={`${time} ${version} ${what}`}>
            <Moment time={time} /> {said.version(version)}: {what}
          </li>
        ))}
      </ol>
      <p>
        <Go to={{ page: "search", merchant: merchant.id, query: id }}>{said.find}</Go>
      </p>
    </Card>
  );
}

function VersionCard({ version }: { version: PolicyVersion }): JSX.Element {
  const said = texts.value;
  const { policy } = version;
  const words = said.policies;
  const facts: [string, ComponentChildren][] = [
    [said.claims.state, <End key="end" version={version} />],
    [said.entry.type, word(said.codes.kinds, policy.kind)],
    [words.products, codes(policy.products)],
    [words.batches, policy.batches && codes(policy.batches)],
    [words.purchased, policy.purchased && windowOf(policy.purchased)],
    [words.coversFrom, policy.covers_from && format.value.day(policy.covers_from)],
    [words.price, policy.price && priceOf(policy.price)],
    [words.remedies, policy.remedies.map((remedy) => word(said.codes.remedies, remedy)).join(", ")],
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
    <Card title={`${policy.title}, ${words.version(policy.version)}`} source="said">
      <Facts of={facts} />
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
