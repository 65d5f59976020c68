import type { ComponentChildren, JSX } from "preact";
import { CaseCard } from "../components/case.tsx";
import { Card, Facts, Go, Moment, type Source, StateBadge, Waiting } from "../components/parts.tsx";
import { VerifyCard } from "../components/verify.tsx";
import type { Case, Merchant } from "../documents.ts";
import { useProven } from "../proven.ts";
import { place, useAnswer } from "../service.ts";
import { format, texts, word } from "../words.ts";

interface ClaimProps {
  merchant: Merchant;
  id: string;
}

export function ClaimPage({ merchant, id }: ClaimProps): JSX.Element {
  const said = texts.value.claim;
  const answer = useAnswer<Case>(place(merchant.id, `claims/${encodeURIComponent(id)}/case`));
  const found = answer.document;
  return (
    <>
      <h1>{said.title(id.slice(0, 8))}</h1>
      <p class="lead">{said.lead}</p>
      {found === undefined ? (
        <Waiting answer={answer} />
      ) : (
        <Found merchant={merchant} found={found} id={id} key={id} />
      )}
    </>
  );
}

interface FoundProps {
  merchant: Merchant;
  found: Case;
}

function Found({ merchant, found, id }: FoundProps & ClaimProps): JSX.Element {
  const events = [found.decision, ...found.steps];
  const source = useProven(merchant, events, { claim_id: id }) ? "checked" : "said";
  const { index } = found.decision;
  return (
    <>
      <VerifyCard key={index} {...{ merchant, id, index }} />
      <SummaryCard merchant={merchant} found={found} />
      <CaseCard {...{ merchant, events, source }} />
      <TagsCard tags={found.decision.event.tags} {...{ merchant, source }} />
    </>
  );
}

function SummaryCard({ merchant, found }: FoundProps): JSX.Element {
  const said = texts.value;
  const { claim } = found.decision.event;
  const remedies = said.codes.remedies;
  const to = { page: "policy", merchant: merchant.id, id: claim.policy } as const;
  const facts: [string, ComponentChildren][] = [
    [said.claim.state, <StateBadge key="state" state={found.state} />],
    [said.claim.id, <code key="id">{found.claim_id}</code>],
    [
      said.claims.policy,
      <Go key="policy" to={to}>
        {claim.policy}
        {said.marks.comma}
        {said.policies.version(claim.version)}
      </Go>,
    ],
    [said.claims.remedy, word(remedies, claim.remedy)],
    [said.claims.decided, <Moment key="opened" time={found.opened} />],
    [said.claim.granted, found.granted && grantOf(found.granted)],
    [said.claim.reason, found.reason && word(said.codes.reasons, found.reason)],
    [
      said.claim.asked,
      found.wants.map((want) => word(said.codes.wants, want)).join(said.marks.list),
    ],
    [said.claim.due, found.due && <Moment key="due" time={found.due} />],
    [said.claim.answerBy, found.answer_by && <Moment key="by" time={found.answer_by} />],
    [
      said.claim.redeemed,
      found.redeemed &&
        `${found.redeemed.shop}${said.marks.comma}${format.value.moment(found.redeemed.signed)}`,
    ],
    [said.claim.ring, said.claim.ringSpan(claim.first, claim.size)],
    [
      said.claim.entry,
      <Go
        key="entry"
        to={{ page: "entry", merchant: merchant.id, log: "events", index: found.decision.index }}
      >
        {format.value.number(found.decision.index)}
      </Go>,
    ],
    [
      said.claim.permalink,
      <a key="link" href={location.href}>
        {location.href}
      </a>,
    ],
  ];
  return (
    <Card title={said.claim.about} source="said">
      <Facts of={facts} />
    </Card>
  );
}

function grantOf({ resolution, share }: { resolution: string; share: number }): string {
  const said = texts.value;
  const granted = word(said.codes.remedies, resolution);
  return share === 100
    ? granted
    : `${granted}${said.marks.comma}${said.claim.share(format.value.percent(share / 100))}`;
}

interface TagsProps {
  merchant: Merchant;
  tags: string[];
  source: Source;
}

function TagsCard({ merchant, tags, source }: TagsProps): JSX.Element {
  const said = texts.value.claim;
  return (
    <Card title={said.tags} source={source}>
      <p>{said.tagsLead}</p>
      <ul class="plain">
        {tags.map((tag, index) => (
          <li key={tag}>
            {/* Scopes alternate: the purchase's tag, then its owner's, for each number. */}
            {index % 2 === 0 ? said.serialTag : said.secretTag}: <code>{tag}</code>{" "}
            <Go to={{ page: "search", merchant: merchant.id, query: tag }}>{said.seek}</Go>
          </li>
        ))}
      </ul>
    </Card>
  );
}
