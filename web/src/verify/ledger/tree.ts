// The tree of a log, read from tiles of which each is proven before it is used.
//
// The partial tiles at the right edge hold all peaks of the tree, so the signed root proves them;
// every full tile is proven by its hash in the tile above it.

import type { LieKind, ServedBytes } from "../errors.ts";
import { FormatError, type Lie, NotServed } from "../errors.ts";
import { equalBytes, toBase64 } from "../wire.ts";
import type { LogFiles } from "./files.ts";
import {
  completeNodes,
  consistencyRanges,
  foldPeaks,
  HASH_BYTES,
  inclusionRanges,
  leafHash,
  type Node,
  type Range,
  rootOf,
  splitHashes,
} from "./merkle.ts";
import {
  bundlePath,
  decodeBundle,
  LONGEST_BUNDLE,
  LONGEST_TILE,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from "./tiles.ts";

const TILE_HEIGHT = 8;

/** Makes the lie that a false answer is, with what else its evidence needs. */
export type Accuse = (kind: LieKind, why: string, files: ServedBytes[]) => Lie;

/** The tree of the first `size` entries under `root`. */
export class Tree {
  readonly size: number;
  readonly root: Uint8Array;
  readonly #files: LogFiles;
  readonly #accuse: Accuse;
  readonly #edge: ReadonlyMap<number, Uint8Array>;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  private constructor(
    files: LogFiles,
    size: number,
    root: Uint8Array,
    edge: ReadonlyMap<number, Uint8Array>,
    accuse: Accuse,
  ) {
    this.#files = files;
    this.size = size;
    this.root = root;
    this.#edge = edge;
    this.#accuse = accuse;
  }

  /** Fetch the right edge; a lie of kind `false-tile` unless it leads to `root`. */
  static async open(
    files: LogFiles,
    size: number,
    root: Uint8Array,
    accuse: Accuse,
  ): Promise<Tree> {
    const edge = new Map<number, Uint8Array>();
    const served: ServedBytes[] = [];
    const levels = edgeLevels(size);
    const tiles = await Promise.all(
      levels.map((level) => {
        const index = edgeIndex(level, size);
        return readTile(files, level, index, tileWidth(level, index, size));
      }),
    );
    for (const [i, level] of levels.entries()) {
      const index = edgeIndex(level, size);
      const data = tiles[i] ?? new Uint8Array();
      edge.set(level, data);
      const width = tileWidth(level, index, size);
      served.push({ path: tilePath(level, index, width), data: toBase64(data) });
      if (data.length !== width * HASH_BYTES) {
        throw accuse("false-tile", "a tile has not the length of its width", served);
      }
    }
    const peaks = [...levels].reverse().flatMap((level) => peaksOf(edge.get(level)));
    if (!equalBytes(foldPeaks(peaks), root)) {
      throw accuse("false-tile", "the tiles served do not lead to the signed root", served);
    }
    return new Tree(files, size, root, edge, accuse);
  }

  /** The root that the tree had at an earlier size. */
  async rootAt(size: number): Promise<Uint8Array> {
    return foldPeaks(await this.#hashes(completeNodes(0, size)));
  }

  /** The proof that this tree extends the one it was at an earlier size. */
  consistency(oldSize: number): Promise<Uint8Array[]> {
    return this.#proof(consistencyRanges(oldSize, this.size));
  }

  /** The proof that the leaf at `index` is in this tree. */
  inclusion(index: number): Promise<Uint8Array[]> {
    return this.#proof(inclusionRanges(index, this.size));
  }

  async #proof(ranges: readonly Range[]): Promise<Uint8Array[]> {
    return Promise.all(
      ranges.map(async ([start, stop]) =>
        foldPeaks(await this.#hashes(completeNodes(start, stop))),
      ),
    );
  }

  /** The entries of a bundle; a lie of kind `false-entry` unless they are in the tree. */
  async bundle(index: number): Promise<Uint8Array[]> {
    const width = tileWidth(0, index, this.size);
    const [served, proven] = await Promise.all([
      readBundle(this.#files, index, width),
      this.#provenHashOf(index, width),
    ]);
    const accuse = async (why: string): Promise<Lie> => {
      const [level, place] = width < TILE_WIDTH ? [0, index] : [1, Math.floor(index / TILE_WIDTH)];
      const file = { path: served.path, data: toBase64(served.data) };
      return this.#accuse("false-entry", why, [file, ...(await this.#grounds(level, place))]);
    };
    const entries = decoded(served)?.slice(0, width);
    if (entries === undefined) {
      throw await accuse("what is served is no bundle of entries");
    }
    if (!equalBytes(rootOf(entries.map(leafHash)), proven)) {
      throw await accuse("the entries served do not lead to the signed root");
    }
    return entries;
  }

  /** The root over the leaves of a bundle, proven. */
  async #provenHashOf(index: number, width: number): Promise<Uint8Array> {
    if (width < TILE_WIDTH) {
      return rootOf(splitHashes(await this.#tile(0, index)));
    }
    return this.#hashIn(1, index);
  }

  async #hashes(nodes: readonly Node[]): Promise<Uint8Array[]> {
    return Promise.all(nodes.map((node) => this.#hash(node)));
  }

  /** The hash of a complete subtree. */
  async #hash(node: Node): Promise<Uint8Array> {
    const level = Math.floor(node.level / TILE_HEIGHT);
    const width = 2 ** (node.level % TILE_HEIGHT);
    const start = node.index * width;
    const tile = splitHashes(await this.#tile(level, Math.floor(start / TILE_WIDTH)));
    return rootOf(tile.slice(start % TILE_WIDTH, (start % TILE_WIDTH) + width));
  }

  /** The hash at `place` of a level of tiles. */
  async #hashIn(level: number, place: number): Promise<Uint8Array> {
    const tile = await this.#tile(level, Math.floor(place / TILE_WIDTH));
    const at = (place % TILE_WIDTH) * HASH_BYTES;
    return tile.subarray(at, at + HASH_BYTES);
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const edge = this.#edge.get(level);
    if (edge !== undefined && index === edgeIndex(level, this.size)) {
      return Promise.resolve(edge);
    }
    const path = tilePath(level, index, TILE_WIDTH);
    const known = this.#tiles.get(path) ?? this.#fullTile(level, index, path);
    this.#tiles.set(path, known);
    known.catch(() => this.#tiles.delete(path));
    return known;
  }

  async #fullTile(level: number, index: number, path: string): Promise<Uint8Array> {
    if (tileWidth(level, index, this.size) !== TILE_WIDTH) {
      throw new FormatError("the log is not that large");
    }
    const [data, proven] = await Promise.all([
      this.#files.read(path, LONGEST_TILE),
      this.#hashIn(level + 1, index),
    ]);
    const whole = data.length === LONGEST_TILE;
    if (!whole || !equalBytes(rootOf(splitHashes(data)), proven)) {
      const file = { path, data: toBase64(data) };
      const grounds = await this.#grounds(level + 1, Math.floor(index / TILE_WIDTH));
      const why = "a tile does not lead to the signed root";
      throw this.#accuse("false-tile", why, [file, ...grounds]);
    }
    return data;
  }

  /** The tiles by which a tile and what is below it are proven: it, those above, the right edge. */
  async #grounds(level: number, index: number): Promise<ServedBytes[]> {
    const grounds: ServedBytes[] = [];
    let [at, place] = [level, index];
    while (place !== edgeIndex(at, this.size)) {
      const data = toBase64(await this.#tile(at, place));
      grounds.push({ path: tilePath(at, place, TILE_WIDTH), data });
      at++;
      place = Math.floor(place / TILE_WIDTH);
    }
    for (const [edgeLevel, data] of this.#edge) {
      const last = edgeIndex(edgeLevel, this.size);
      const path = tilePath(edgeLevel, last, tileWidth(edgeLevel, last, this.size));
      grounds.push({ path, data: toBase64(data) });
    }
    return grounds;
  }
}

/** The levels that have a partial tile, lowest first. */
function edgeLevels(size: number): number[] {
  const levels: number[] = [];
  for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / TILE_WIDTH)) {
    if (rest % TILE_WIDTH > 0) {
      levels.push(level);
    }
  }
  return levels;
}

/** Where the partial tile of a level is. */
function edgeIndex(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** (level + 1));
}

/** The complete subtrees that a partial tile consists of, left to right. */
function peaksOf(tile: Uint8Array = new Uint8Array()): Uint8Array[] {
  const hashes = splitHashes(tile);
  return completeNodes(0, hashes.length).map(({ level, index }) =>
    rootOf(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)),
  );
}

/** A partial tile may be gone as soon as the full one is there (c2sp tlog-tiles). */
async function readTile(
  files: LogFiles,
  level: number,
  index: number,
  width: number,
): Promise<Uint8Array> {
  try {
    return await files.read(tilePath(level, index, width), LONGEST_TILE);
  } catch (error) {
    if (!(error instanceof NotServed)) {
      throw error;
    }
  }
  const whole = await files.read(tilePath(level, index, TILE_WIDTH), LONGEST_TILE);
  return whole.slice(0, width * HASH_BYTES);
}

interface ServedBundle {
  path: string;
  width: number;
  data: Uint8Array;
}

async function readBundle(files: LogFiles, index: number, width: number): Promise<ServedBundle> {
  const path = bundlePath(index, width);
  try {
    return { path, width, data: await files.read(path, LONGEST_BUNDLE) };
  } catch (error) {
    if (width === TILE_WIDTH || !(error instanceof NotServed)) {
      throw error;
    }
  }
  return readBundle(files, index, TILE_WIDTH);
}

function decoded(served: ServedBundle): Uint8Array[] | undefined {
  try {
    return decodeBundle(served.data, served.width);
  } catch (error) {
    if (error instanceof FormatError) {
      return undefined;
    }
    throw error;
  }
}
