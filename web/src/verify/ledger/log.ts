// Opening a log: its checkpoint, who has signed it, and that it extends what was seen before.

import {
  FormatError,
  Lie,
  type LieKind,
  type ServedBytes,
  type ShownEntry,
  Unreachable,
  VerificationError,
} from "../errors.ts";
import { equalBytes, fromBase64, fromUtf8, toBase64 } from "../wire.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { type Cosignature, cosignaturesOf, parseCosigner } from "./cosignature.ts";
import { type LogFiles, LogSite } from "./files.ts";
import { forkProof } from "./fork.ts";
import { verifyConsistency } from "./merkle.ts";
import { LONGEST_NOTE, parseLogKey, parseNote, signersOf } from "./note.ts";
import { TILE_WIDTH } from "./tiles.ts";
import { Tree } from "./tree.ts";

const PARALLEL = 8; // bundles fetched at once

/** The largest head that this reader has seen of a log; root and note in base64. */
export interface Seen {
  size: number;
  root: string;
  note: string;
}

/** How much is done, of how much. */
export type Progress = (done: number, total: number) => void;

/** A log as it was signed, every entry proven as it is read. */
export class VerifiedLog {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly signers: string[];
  readonly cosignatures: Cosignature[];
  readonly #asked: number;
  readonly #answered: number;
  readonly #tree: Tree;
  readonly #accuser: Accuser;

  private constructor(head: OpenedNote, tree: Tree, accuser: Accuser) {
    this.#asked = head.asked;
    this.#answered = head.answered;
    this.origin = head.checkpoint.origin;
    this.size = head.checkpoint.size;
    this.root = head.checkpoint.root;
    this.note = fromUtf8(head.note);
    this.signers = head.signers;
    this.cosignatures = head.cosignatures;
    this.#tree = tree;
    this.#accuser = accuser;
  }

  /** As `openLog`, from wherever the files are. */
  static async open(
    files: LogFiles,
    vkeys: readonly string[],
    witnesses: readonly string[],
    seen: readonly Seen[] = [],
  ): Promise<VerifiedLog> {
    const asked = performance.now();
    const note = await files.read("checkpoint", LONGEST_NOTE);
    const answered = performance.now();
    const notes = [...seen.map((head) => fromBase64(head.note)), note];
    const accuser = new Accuser(files.place, vkeys, witnesses, notes);
    const read = await readNote(note, vkeys, witnesses, accuser);
    const head = { ...read, note, asked, answered };
    for (const each of seen) {
      await requireNoOlder(files, each, head, accuser);
    }
    const { size, root } = head.checkpoint;
    const tree = await Tree.open(files, size, root, accuser.accuse);
    for (const each of seen) {
      await requireExtension(each, note, tree, accuser);
    }
    return new VerifiedLog(head, tree, accuser);
  }

  get seen(): Seen {
    const note = new TextEncoder().encode(this.note);
    return { size: this.size, root: toBase64(this.root), note: toBase64(note) };
  }

  /** Whether it was asked for after `other` had answered: so nothing in `other` is newer. */
  isNewerThan(other: VerifiedLog): boolean {
    return other.#answered <= this.#asked;
  }

  /** The root that the log had at an earlier size; `undefined` if it is not that large. */
  async rootAt(size: number): Promise<Uint8Array | undefined> {
    return size > this.size ? undefined : this.#tree.rootAt(size);
  }

  async entry(index: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) {
      throw new FormatError("the log has no such entry");
    }
    const entries = await this.#tree.bundle(Math.floor(index / TILE_WIDTH));
    const entry = entries[index % TILE_WIDTH];
    if (entry === undefined) {
      throw new FormatError("the log has no such entry");
    }
    return entry;
  }

  async entries(
    start: number,
    stop: number,
    onProgress?: Progress,
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    for await (const [, entries] of this.portions(start, stop, onProgress, signal)) {
      found.push(...entries);
    }
    return found;
  }

  /** Entries in the order of the log, some at a time, each time with the index of the first. */
  async *portions(
    start: number,
    stop: number,
    onProgress: Progress = () => undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<[number, Uint8Array[]]> {
    if (!(0 <= start && start <= stop && stop <= this.size)) {
      throw new FormatError("the log has no such entries");
    }
    const last = Math.ceil(stop / TILE_WIDTH);
    let next = Math.floor(start / TILE_WIDTH);
    const waiting: Promise<Uint8Array[]>[] = [];
    for (let at = start; at < stop; ) {
      signal?.throwIfAborted();
      while (waiting.length < PARALLEL && next < last) {
        const bundle = this.#tree.bundle(next++);
        bundle.catch(() => undefined); // it is awaited below, unless one before it fails
        waiting.push(bundle);
      }
      const first = at - (at % TILE_WIDTH);
      const entries = (await waiting.shift()) ?? [];
      yield [at, entries.slice(at - first, stop - first)];
      at = Math.min(first + TILE_WIDTH, stop);
      onProgress(at - start, stop - start);
    }
  }

  /** Read every entry, and so prove all of them. */
  async checkAll(onProgress?: Progress, signal?: AbortSignal): Promise<void> {
    const portions = this.portions(0, this.size, onProgress, signal);
    while (!(await portions.next()).done) {
      // A portion that is not proven throws.
    }
  }

  /** The lie that this log, or its server, tells; with entries that are in the log, and files. */
  async accuse(
    kind: LieKind,
    why: string,
    indices: readonly number[],
    files: ServedBytes[] = [],
  ): Promise<Lie> {
    const entries = await Promise.all(indices.map((index) => this.#shown(index)));
    return new Lie({ ...this.#accuser.accuse(kind, why, files).evidence, entries });
  }

  async #shown(index: number): Promise<ShownEntry> {
    const hashes = (await this.#tree.inclusion(index)).map(toBase64);
    const lines = ["c2sp.org/tlog-proof@v1", `index ${index}`, ...hashes, "", this.note];
    const data = toBase64(await this.entry(index));
    return { log: this.origin, index, data, proof: lines.join("\n") };
  }
}

/**
 * The log at an address, under the keys of the log and of witnesses, which extends all that was
 * seen of it. `Lie` or `Unreachable`.
 */
export function openLog(
  base: string,
  vkeys: readonly string[],
  witnesses: readonly string[],
  seen?: readonly Seen[],
): Promise<VerifiedLog> {
  return VerifiedLog.open(new LogSite(base), vkeys, witnesses, seen);
}

/** What all evidence about one log has in common. */
class Accuser {
  readonly #place: string;
  readonly #vkeys: readonly string[];
  readonly #witnesses: readonly string[];
  readonly #notes: readonly Uint8Array[];

  constructor(
    place: string,
    vkeys: readonly string[],
    witnesses: readonly string[],
    notes: readonly Uint8Array[],
  ) {
    this.#place = place;
    this.#vkeys = vkeys;
    this.#witnesses = witnesses;
    this.#notes = notes;
  }

  readonly accuse = (kind: LieKind, why: string, files: ServedBytes[], fork?: Uint8Array): Lie =>
    new Lie({
      type: "kvitto-page-evidence/v1",
      kind,
      why,
      place: this.#place,
      vkeys: [...this.#vkeys],
      witnesses: [...this.#witnesses],
      notes: this.#notes.map(toBase64),
      fork: fork === undefined ? null : toBase64(fork),
      files,
      entries: [],
    });
}

interface ReadNote {
  checkpoint: Checkpoint;
  signers: string[];
  cosignatures: Cosignature[];
}

/** A note, and when it was asked for and came. */
interface OpenedNote extends ReadNote {
  note: Uint8Array;
  asked: number;
  answered: number;
}

async function readNote(
  data: Uint8Array,
  vkeys: readonly string[],
  witnesses: readonly string[],
  accuser: Accuser,
): Promise<ReadNote> {
  const keys = vkeys.map(parseLogKey);
  const cosigners = witnesses.map(parseCosigner);
  let kind: LieKind = "forged-checkpoint";
  try {
    const note = parseNote(data);
    const checkpoint = parseCheckpoint(note.text);
    const signers = await signersOf(note, keys);
    kind = "wrong-key";
    if (signers.length === 0) {
      throw new VerificationError("no known key of the log has signed its checkpoint");
    }
    if (signers.some((key) => key.name !== checkpoint.origin)) {
      throw new VerificationError("the checkpoint is of another log");
    }
    kind = "false-cosignature";
    const cosignatures = await cosignaturesOf(note, checkpoint, cosigners);
    return { checkpoint, signers: signers.map((key) => key.vkey), cosignatures };
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerificationError) {
      throw accuser.accuse(kind, error.message, []);
    }
    throw error;
  }
}

/** A smaller log than before is hidden behind an old checkpoint, or it has forked. */
async function requireNoOlder(
  files: LogFiles,
  seen: Seen,
  head: OpenedNote,
  accuser: Accuser,
): Promise<void> {
  const { size, root } = head.checkpoint;
  if (size >= seen.size) {
    return;
  }
  const was = fromBase64(seen.note);
  try {
    const before = await Tree.open(files, seen.size, fromBase64(seen.root), accuser.accuse);
    await requirePast(size, root, head.note, before, was, accuser);
  } catch (error) {
    // What is hidden cannot be fetched, or proven; a fork was.
    if (!(error instanceof Unreachable) && !(error instanceof Lie && error.kind !== "fork")) {
      throw error;
    }
  }
  const why = `the log has shrunk: ${seen.size} entries were signed before, now ${size}`;
  throw accuser.accuse("shrunk", why, []);
}

async function requireExtension(
  seen: Seen,
  note: Uint8Array,
  tree: Tree,
  accuser: Accuser,
): Promise<void> {
  await requirePast(seen.size, fromBase64(seen.root), fromBase64(seen.note), tree, note, accuser);
}

/** That the tree begins with the one of `size` entries under `root`. */
async function requirePast(
  size: number,
  root: Uint8Array,
  note: Uint8Array,
  tree: Tree,
  newer: Uint8Array,
  accuser: Accuser,
): Promise<void> {
  const past = await tree.rootAt(size);
  if (equalBytes(past, root)) {
    return;
  }
  const proof = await tree.consistency(size);
  verifyConsistency(size, past, tree.size, tree.root, proof); // or others could not follow it
  const why = "the log has signed two histories, of which neither is the other's past";
  throw accuser.accuse("fork", why, [], forkProof(note, newer, past, proof));
}
