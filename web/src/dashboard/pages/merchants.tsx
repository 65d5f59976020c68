import type { JSX } from "preact";
import { Go, SourceBadge } from "../components/parts.tsx";
import type { Merchant } from "../documents.ts";
import type { LogName } from "../router.ts";
import { checkOf } from "../trust.ts";
import { format, texts } from "../words.ts";

/** So many merchants' logs are checked at once; the others' when their page is opened. */
const MOST = 12;

export function MerchantsPage({ merchants }: { merchants: Merchant[] }): JSX.Element {
  const said = texts.value.merchants;
  return (
    <>
      <h1>{said.title}</h1>
      <p class="lead">{said.lead}</p>
      <p>
        <Go to={{ page: "learn" }}>{said.newcomer}</Go>
      </p>
      {merchants.length === 0 && <p>{said.none}</p>}
      <ul class="cards">
        {merchants.map((merchant, place) => (
          <li class="card" key={merchant.id}>
            <MerchantCard merchant={merchant} isChecked={place < MOST} />
          </li>
        ))}
      </ul>
    </>
  );
}

interface CardProps {
  merchant: Merchant;
  isChecked: boolean;
}

function MerchantCard({ merchant, isChecked }: CardProps): JSX.Element {
  const said = texts.value.merchants;
  return (
    <>
      <h2>
        <Go to={{ page: "overview", merchant: merchant.id }}>{merchant.name}</Go>
      </h2>
      <p class="soft">
        <code>{merchant.origin}</code>
      </p>
      {isChecked && (
        <dl>
          <LogSize merchant={merchant} name="purchases" />
          <LogSize merchant={merchant} name="events" />
        </dl>
      )}
      <p class="soft">
        {said.policies(merchant.policies.length)} {said.witnesses(merchant.witnesses.length)}
      </p>
    </>
  );
}

function LogSize({ merchant, name }: { merchant: Merchant; name: LogName }): JSX.Element {
  const said = texts.value;
  const { state, log } = checkOf(merchant, name).value;
  return (
    <div>
      <dt>{said.merchants[name]}</dt>
      <dd>
        {log === undefined ? (
          <span class="soft">
            {state === "opening"
              ? said.state.loading
              : state === "false"
                ? said.lie.mark
                : said.state.failed}
          </span>
        ) : (
          <>
            {format.value.number(log.size)} <SourceBadge source="checked" />
          </>
        )}
      </dd>
    </div>
  );
}
