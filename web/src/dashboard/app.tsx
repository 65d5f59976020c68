import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { Waiting } from "./components/parts.tsx";
import { Shell } from "./components/shell.tsx";
import type { Directory, Merchant } from "./documents.ts";
import { follow } from "./live.ts";
import { ClaimPage } from "./pages/claim.tsx";
import { ClaimsPage } from "./pages/claims.tsx";
import { EntryPage } from "./pages/entry.tsx";
import { FindingsPage } from "./pages/findings.tsx";
import { LearnPage } from "./pages/learn.tsx";
import { LogPage } from "./pages/log.tsx";
import { MerchantsPage } from "./pages/merchants.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PoliciesPage } from "./pages/policies.tsx";
import { PolicyPage } from "./pages/policy.tsx";
import { ReportPage } from "./pages/report.tsx";
import { ReportsPage } from "./pages/reports.tsx";
import { SearchPage } from "./pages/search.tsx";
import { parseRoute, type Route } from "./router.ts";
import { type Answer, useAnswer } from "./service.ts";
import { lies } from "./trust.ts";
import { texts } from "./words.ts";

export function App(): JSX.Element {
  const route = useRoute();
  const directory = useAnswer<Directory>("/v1/directory?sandboxes=true");
  const wanted = "merchant" in route ? route.merchant : undefined;
  const merchant = directory.document?.merchants.find(({ id }) => id === wanted);
  const id = merchant?.id;
  useEffect(() => (merchant === undefined ? undefined : follow(merchant)), [id]);
  useTitle(route, merchant);
  return (
    <Shell route={route} merchant={merchant}>
      <Page route={route} directory={directory} merchant={merchant} />
    </Shell>
  );
}

interface PageProps {
  route: Route;
  directory: Answer<Directory>;
  merchant: Merchant | undefined;
}

function Page({ route, directory, merchant }: PageProps): JSX.Element {
  const { state } = texts.value;
  if (route.page === "learn") {
    return <LearnPage merchants={realOf(directory.document)} />;
  }
  if (route.page === "unknown") {
    return <h1>{state.unknownPage}</h1>;
  }
  if (directory.document === undefined) {
    return <Waiting answer={directory} />;
  }
  if (route.page === "merchants") {
    return <MerchantsPage merchants={realOf(directory.document)} />;
  }
  if (merchant === undefined) {
    return <h1>{state.unknownMerchant}</h1>;
  }
  switch (route.page) {
    case "overview":
      return <OverviewPage merchant={merchant} />;
    case "log":
      return <LogPage merchant={merchant} />;
    case "claims":
      return <ClaimsPage merchant={merchant} />;
    case "claim":
      return <ClaimPage merchant={merchant} id={route.id} />;
    case "policies":
      return <PoliciesPage merchant={merchant} />;
    case "policy":
      return <PolicyPage merchant={merchant} id={route.id} />;
    case "findings":
      return <FindingsPage merchant={merchant} />;
    case "reports":
      return <ReportsPage merchant={merchant} />;
    case "report":
      return <ReportPage merchant={merchant} month={route.month} />;
    case "search":
      return <SearchPage merchant={merchant} query={route.query} />;
    case "entry":
      return <EntryPage merchant={merchant} log={route.log} index={route.index} />;
  }
}

/** Those that are no sandboxes, which have pages but are listed nowhere. */
function realOf(directory: Directory | undefined): Merchant[] {
  return directory?.merchants.filter((merchant) => !merchant.sandbox) ?? [];
}

/** The page that the address names; whoever comes from another one starts reading at its top. */
function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useLayoutEffect(() => {
    const change = (): void => {
      setRoute(parseRoute(location.hash));
      scrollTo(0, 0);
      document.getElementById("content")?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return route;
}

function useTitle(route: Route, merchant: Merchant | undefined): void {
  const said = texts.value;
  const isFalse = lies.value.length > 0;
  useEffect(() => {
    const parts = [merchant?.name, said.rooms[roomOf(route)], `Kvitto ${said.name}`];
    const title = parts.filter((part) => part !== undefined).join(" · ");
    document.title = isFalse ? `${said.lie.mark}: ${title}` : title;
  }, [route, merchant, said, isFalse]);
}

function roomOf(
  route: Route,
): "merchants" | "learn" | "overview" | "log" | "claims" | "policies" | "findings" | "reports" {
  switch (route.page) {
    case "claim":
      return "claims";
    case "policy":
      return "policies";
    case "report":
      return "reports";
    case "entry":
      return "log";
    case "search":
      return "overview";
    case "unknown":
      return "merchants";
    default:
      return route.page;
  }
}
