// Which page a fragment of the address names, and the fragment of a page.

export type LogName = "events" | "purchases";

const ROOMS = ["log", "claims", "policies", "findings", "reports"] as const;
export type Room = (typeof ROOMS)[number];

export type Route =
  | { page: "merchants" | "learn" | "unknown" }
  | { page: "overview" | Room; merchant: string }
  | { page: "claim" | "policy"; merchant: string; id: string }
  | { page: "report"; merchant: string; month: string }
  | { page: "search"; merchant: string; query: string }
  | { page: "entry"; merchant: string; log: LogName; index: number };

const UNKNOWN: Route = { page: "unknown" };
const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;

/** The page of a fragment such as `#/acme/claims`. */
export function parseRoute(fragment: string): Route {
  const parts = fragment.replace(/^#?\/?/, "").split("/");
  const [merchant, room, ...rest] = parts.map(decoded);
  if (merchant === undefined || merchant === "") {
    return parts.length === 1 ? { page: "merchants" } : UNKNOWN;
  }
  if (room === undefined || room === "") {
    return merchant === "learn" ? { page: "learn" } : { page: "overview", merchant };
  }
  return rest.length === 0 ? ofRoom(merchant, room) : inRoom(merchant, room, rest);
}

/** The fragment of a page. */
export function href(route: Route): string {
  switch (route.page) {
    case "merchants":
    case "unknown":
      return "#/";
    case "learn":
      return "#/learn";
    case "overview":
      return path(route.merchant);
    case "claim":
      return path(route.merchant, "claims", route.id);
    case "policy":
      return path(route.merchant, "policies", route.id);
    case "report":
      return path(route.merchant, "reports", route.month);
    case "search":
      return path(route.merchant, "search", route.query);
    case "entry":
      return path(route.merchant, "entry", route.log, String(route.index));
    default:
      return path(route.merchant, route.page);
  }
}

function ofRoom(merchant: string, room: string): Route {
  const known = ROOMS.find((name) => name === room);
  return known === undefined ? UNKNOWN : { page: known, merchant };
}

function inRoom(merchant: string, room: string, rest: string[]): Route {
  const [first = "", second = ""] = rest;
  if (room === "entry" && rest.length === 2) {
    const isLog = first === "events" || first === "purchases";
    return isLog && INDEX.test(second)
      ? { page: "entry", merchant, log: first, index: Number(second) }
      : UNKNOWN;
  }
  if (rest.length !== 1 || first === "") {
    return UNKNOWN;
  }
  switch (room) {
    case "claims":
      return { page: "claim", merchant, id: first };
    case "policies":
      return { page: "policy", merchant, id: first };
    case "reports":
      return { page: "report", merchant, month: first };
    case "search":
      return { page: "search", merchant, query: first };
    default:
      return UNKNOWN;
  }
}

function path(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone percent sign, which stands for itself
  }
}
