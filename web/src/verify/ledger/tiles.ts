// Tiles (c2sp tlog-tiles): the tree and the entries of a log as files that never change.
//
// A tile at level L holds up to 256 hashes of subtrees of 256**L entries; an entry bundle up to 256
// entries. Fewer make a partial tile, the last of its level.

import { FormatError } from "../errors.ts";

export const TILE_WIDTH = 256;
export const LONGEST_TILE = TILE_WIDTH * 32;
export const LONGEST_BUNDLE = TILE_WIDTH * (2 + 65_535); // the length of an entry is a uint16

/** The path of a tile below the log's address, such as `tile/0/x001/067.p/8`. */
export function tilePath(level: number, index: number, width: number): string {
  return `tile/${level}/${indexPath(index, width)}`;
}

/** The path of an entry bundle below the log's address, such as `tile/entries/067`. */
export function bundlePath(index: number, width: number): string {
  return `tile/entries/${indexPath(index, width)}`;
}

/** How many hashes the tile holds in a log of `size` entries; 0 when there is none. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - TILE_WIDTH * index));
}

function indexPath(index: number, width: number): string {
  const digits = String(index);
  const parts = digits.padStart(3 * Math.ceil(digits.length / 3), "0").match(/[0-9]{3}/g) ?? [];
  const path = parts.map((part, i) => (i + 1 < parts.length ? `x${part}` : part)).join("/");
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

/** The `width` entries of a bundle; `FormatError` unless it holds exactly those. */
export function decodeBundle(data: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < data.length) {
    const start = at + 2;
    at = start + 256 * (data[at] ?? 0) + (data[at + 1] ?? 0);
    entries.push(data.subarray(start, at));
  }
  if (at !== data.length || entries.length !== width) {
    throw new FormatError("not an entry bundle of that width");
  }
  return entries;
}
