// What surrounds every page: the head with its links, the warning when something is false, the foot.

import type { ComponentChildren, JSX } from "preact";
import type { Merchant } from "../documents.ts";
import { isLive } from "../live.ts";
import { href, type Room, type Route } from "../router.ts";
import { changeLanguage, language, texts } from "../words.ts";
import { SourceBadge } from "./parts.tsx";
import { Seek } from "./seek.tsx";
import { Strip } from "./strip.tsx";
import { Warning } from "./warning.tsx";

const ROOMS: readonly ("overview" | Room)[] = [
  "overview",
  "log",
  "claims",
  "policies",
  "findings",
  "reports",
];
/** Which room a page inside of one belongs to. */
const INSIDE: Readonly<Record<string, Room>> = {
  claim: "claims",
  policy: "policies",
  report: "reports",
  entry: "log",
};

interface ShellProps {
  route: Route;
  merchant?: Merchant | undefined;
  children: ComponentChildren;
}

export function Shell({ route, merchant, children }: ShellProps): JSX.Element {
  const said = texts.value;
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place, and says so where scripts ask */}
      <a class="skip" href="#content" onClick={toContent}>
        {said.skip}
      </a>
      <header>
        <p class="brand">
          <a href={href({ page: "merchants" })}>
            Kvitto <span>{said.name}</span>
          </a>
        </p>
        <nav class="site" aria-label={said.navigation.site}>
          <Link to={{ page: "merchants" }} isHere={route.page === "merchants"}>
            {said.rooms.merchants}
          </Link>
          <Link to={{ page: "learn" }} isHere={route.page === "learn"}>
            {said.rooms.learn}
          </Link>
        </nav>
        <button
          type="button"
          class="plain language"
          lang={language.value === "en" ? "zh-CN" : "en"}
          onClick={changeLanguage}
        >
          {said.otherLanguage}
        </button>
      </header>
      <Warning />
      {merchant && <MerchantHead merchant={merchant} route={route} />}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <Foot />
    </>
  );
}

function MerchantHead({ merchant, route }: { merchant: Merchant; route: Route }): JSX.Element {
  const said = texts.value;
  const here = INSIDE[route.page] ?? route.page;
  const live = isLive.value;
  return (
    <section class="merchant" aria-label={merchant.name}>
      <div class="merchant-head">
        <p class="merchant-name">{merchant.name}</p>
        <span
          class={live ? "live on" : "live"}
          title={live ? said.state.liveMeans : said.state.quietMeans}
        >
          {live ? said.state.live : said.state.quiet}
        </span>
        <Seek merchant={merchant.id} />
      </div>
      {merchant.sandbox && <p class="sandbox">{said.merchants.sandbox}</p>}
      <nav aria-label={said.navigation.merchant}>
        {ROOMS.map((page) => (
          <Link key={page} to={{ page, merchant: merchant.id }} isHere={page === here}>
            {said.rooms[page]}
          </Link>
        ))}
      </nav>
      <Strip merchant={merchant} />
    </section>
  );
}

interface LinkProps {
  to: Route;
  isHere: boolean;
  children: string;
}

function Link({ to, isHere, children }: LinkProps): JSX.Element {
  return (
    <a href={href(to)} aria-current={isHere ? "page" : undefined}>
      {children}
    </a>
  );
}

function Foot(): JSX.Element {
  const { rooms, trust } = texts.value;
  return (
    <footer>
      <p>
        {trust.legend} <SourceBadge source="checked" /> {trust.checkedMeans}{" "}
        <SourceBadge source="said" /> {trust.saidMeans}
      </p>
      <p>
        <a href="/methodology">{rooms.methodology}</a> · <a href="/reference">{rooms.reference}</a>
      </p>
    </footer>
  );
}

/** The fragment of the address is the page's, so that the link is followed by hand. */
function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
