// Entries of an event log: canonical JSON objects with a `type` and a `time`. protocol.md 4.

import { FormatError } from "../errors.ts";
import {
  count,
  isObject,
  type Json,
  type JsonObject,
  list,
  parseCanonical,
  text,
  withMembers,
} from "../json.ts";
import { parseIdentifier } from "../wire.ts";
import { type Key, parseLogKey } from "./note.ts";

const CAPACITIES = [64, 256, 1024, 4096];
const LONGEST_WINDOW = 2 ** 20; // periods
const LONGEST_EVENT = 65_535;
const TIME = /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}Z$/;
const EVENTS_SUFFIX = "/events";

/** An event: what it says depends on its type. */
export interface Event {
  type: string;
  time: string;
  members: JsonObject;
}

/** Read an event; `FormatError` unless these are its canonical bytes. */
export function parseEvent(data: Uint8Array): Event {
  if (data.length > LONGEST_EVENT) {
    throw new FormatError("the event is too long");
  }
  const members = parseCanonical(data);
  if (!isObject(members)) {
    throw new FormatError("an event is an object");
  }
  const type = text(members.type, "type");
  const time = parseEventTime(members.time);
  if (type === "") {
    throw new FormatError("an event has a type");
  }
  return { type, time, members };
}

/** A time such as 2026-11-21T08:00:00Z; they sort as text. */
export function parseEventTime(value: Json | undefined): string {
  const time = text(value, "time");
  const moment = new Date(time);
  const real = TIME.test(time) && !Number.isNaN(moment.getTime()) && !time.startsWith("0000");
  if (!real || moment.toISOString() !== time.replace("Z", ".000Z")) {
    throw new FormatError("not a time such as 2026-11-21T08:00:00Z");
  }
  return time;
}

/** The members of an event, exactly these beside its type and time. */
export function eventMembers(event: Event, names: readonly string[]): JsonObject {
  return withMembers(event.members, ["type", "time", ...names]);
}

/** What a merchant fixed for the life of its two logs: event 0. */
export interface Declaration {
  origin: string;
  capacity: number;
  period: string;
  voidWindow: number;
  seedWitnesses: Key[];
  purchases: Key;
  events: Key;
}

const DECLARED = [
  ...["origin", "suite", "capacity", "period", "void_window"],
  ...["seed_witnesses", "purchases_vkey", "events_vkey"],
];

export function parseDeclaration(event: Event): Declaration {
  const members = eventMembers(event, DECLARED);
  const witnesses = list(members.seed_witnesses, "seed_witnesses");
  const declaration = {
    origin: parseIdentifier(members.origin),
    capacity: count(members.capacity, "capacity"),
    period: text(members.period, "period"),
    voidWindow: count(members.void_window, "void_window"),
    seedWitnesses: witnesses.map((vkey) => parseLogKey(text(vkey, "seed_witnesses"))),
    purchases: parseLogKey(text(members.purchases_vkey, "purchases_vkey")),
    events: parseLogKey(text(members.events_vkey, "events_vkey")),
  };
  requireDeclarable(event, declaration);
  return declaration;
}

function requireDeclarable(event: Event, declaration: Declaration): void {
  const { origin, seedWitnesses } = declaration;
  const fine =
    event.type === "log.declared" &&
    !origin.endsWith(EVENTS_SUFFIX) &&
    text(event.members.suite, "suite") !== "" &&
    CAPACITIES.includes(declaration.capacity) &&
    ["P1D", "manual"].includes(declaration.period) &&
    declaration.voidWindow <= LONGEST_WINDOW &&
    declaration.purchases.name === origin &&
    declaration.events.name === origin + EVENTS_SUFFIX &&
    new Set(seedWitnesses.map(({ vkey }) => vkey)).size === seedWitnesses.length;
  if (!fine) {
    throw new FormatError("not a declaration that a log can make");
  }
}
