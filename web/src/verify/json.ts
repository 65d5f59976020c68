// Strict JSON and its one canonical form (RFC 8785), with the limits of protocol.md 5.

import { FormatError } from "./errors.ts";
import { equalBytes, fromUtf8, requireNfc, utf8 } from "./wire.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

const DEEPEST = 64; // levels of nesting

/** Parsed JSON; `FormatError` unless `data` is its canonical form. */
export function parseCanonical(data: Uint8Array): Json {
  let value: Json;
  try {
    value = JSON.parse(fromUtf8(data)) as Json;
  } catch {
    throw new FormatError("not JSON");
  }
  // Members that occur twice, other spellings of numbers and the like do not come out the same.
  if (!equalBytes(canonicalJson(value), data)) {
    throw new FormatError("not the canonical form of JSON");
  }
  return value;
}

/** The RFC 8785 form; `FormatError` for text not in NFC, floats, 2^53, or nesting too deep. */
export function canonicalJson(value: Json): Uint8Array {
  return utf8(serialised(value, DEEPEST));
}

function serialised(value: Json, levels: number): string {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new FormatError("not a whole number below 2^53");
  }
  if (typeof value === "string") {
    requireNfc(value);
  }
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value);
  }
  if (levels === 0) {
    throw new FormatError("nested too deeply");
  }
  if (Array.isArray(value)) {
    return `[${value.map((member) => serialised(member, levels - 1)).join(",")}]`;
  }
  const members = Object.keys(value)
    .sort() // by UTF-16 code units, as RFC 8785 asks
    .map((name) => `${serialised(name, levels)}:${serialised(value[name] ?? null, levels - 1)}`);
  return `{${members.join(",")}}`;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object, if it has exactly these members. */
export function withMembers(value: Json | undefined, names: readonly string[]): JsonObject {
  if (!isObject(value)) {
    throw new FormatError("not an object");
  }
  const known = Object.keys(value);
  if (known.length !== names.length || !names.every((name) => Object.hasOwn(value, name))) {
    throw new FormatError(`not exactly ${names.join(", ")}`);
  }
  return value;
}

export function text(value: Json | undefined, name: string): string {
  if (typeof value !== "string") {
    throw new FormatError(`${name}: not text`);
  }
  return value;
}

export function count(value: Json | undefined, name: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new FormatError(`${name}: not a count`);
  }
  return value;
}

export function list(value: Json | undefined, name: string): Json[] {
  if (!Array.isArray(value)) {
    throw new FormatError(`${name}: not a list`);
  }
  return value;
}
