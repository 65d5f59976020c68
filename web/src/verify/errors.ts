// What goes wrong when bytes are read and proofs are checked, and how a server is caught lying.

/** Bytes or text that do not have the form they must have. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** Well-formed, and false. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
}

/** No usable answer comes from where the log is: that says nothing about the log. */
export class Unreachable extends Error {
  override readonly name: string = "Unreachable";
}

/** A file of the log is not there. */
export class NotServed extends Unreachable {
  override readonly name = "NotServed";
}

/** Each way in which a server or a log is caught. */
export const LIES = [
  "forged-checkpoint", // not a checkpoint, or a signature under it does not hold
  "wrong-key", // no key of the log has signed what is shown
  "false-cosignature", // a witness is said to have signed, and has not
  "fork", // two signed histories, of which neither is the other's past
  "shrunk", // fewer entries than were shown before
  "false-tile", // hashes that do not lead to the signed root
  "false-entry", // entries that do not lead to the signed root
  "false-history", // the log says what no log may say
  "false-claim", // a claim was approved whose proof does not hold
  "overview-differs", // the numbers that are shown are not those of the log
  "answer-differs", // an event that is shown is not the one in the log
] as const;

export type LieKind = (typeof LIES)[number];

/** Bytes as they were served, in base64, and where. */
export interface ServedBytes {
  path: string;
  data: string;
}

/** An entry in base64, and the proof that it is in the log (c2sp tlog-proof). */
export interface ShownEntry {
  log: string;
  index: number;
  data: string;
  proof: string;
}

/**
 * What somebody else needs to see it too. `notes` are signed notes as they were served, in base64;
 * `fork` is what `kvitto log verify-fork` reads; `files` are an answer that contradicts
 * the notes, and those by which it does.
 */
export interface Evidence {
  type: "kvitto-page-evidence/v1";
  kind: LieKind;
  why: string;
  place: string;
  vkeys: string[];
  witnesses: string[];
  notes: string[];
  fork: string | null;
  files: ServedBytes[];
  entries: ShownEntry[];
}

/** The server, or the log, contradicts itself. */
export class Lie extends Error {
  override readonly name = "Lie";
  readonly evidence: Evidence;

  constructor(evidence: Evidence) {
    super(evidence.why);
    this.evidence = evidence;
  }

  get kind(): LieKind {
    return this.evidence.kind;
  }
}
