// Cosignatures (c2sp tlog-cosignature): a witness's word that a checkpoint extends all it has seen.
//
// Ed25519 (type 04) signs the time and the whole note; ML-DSA-44 (06) the witness's name, the time
// and the checkpoint's values. The code for the latter is loaded when a witness has such a key.

import { FormatError, VerificationError } from "../errors.ts";
import { big, concat, toNumber, utf8 } from "../wire.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { isSigned } from "./ed25519.ts";
import { isBy, type Key, type Note, parseVkey } from "./note.ts";

const ED25519_COSIGNER = 4;
const ML_DSA_COSIGNER = 6;
const PUBLIC_KEY_BYTES = new Map([
  [ED25519_COSIGNER, 32],
  [ML_DSA_COSIGNER, 1312],
]);
const TIME_BYTES = 8;
const LONGEST_NAME = 255; // bytes; its length is one byte of the signed message

/** Who has cosigned, and when, in seconds since 1970. */
export interface Cosignature {
  name: string;
  vkey: string;
  time: number;
}

/** Read the key of a witness; `FormatError` for any other. */
export function parseCosigner(vkey: string): Key {
  const key = parseVkey(vkey);
  if (PUBLIC_KEY_BYTES.get(key.type) !== key.publicKey.length) {
    throw new FormatError("not the key of a witness (type 04 or 06)");
  }
  return key;
}

/** Those of `witnesses` who have signed; `VerificationError` for a false signature of one. */
export async function cosignaturesOf(
  note: Note,
  checkpoint: Checkpoint,
  witnesses: readonly Key[],
): Promise<Cosignature[]> {
  const found: Cosignature[] = [];
  for (const witness of witnesses) {
    for (const { signature } of note.signatures.filter((each) => isBy(each, witness))) {
      const time = toNumber(signature.subarray(0, TIME_BYTES));
      const signed = signature.subarray(TIME_BYTES);
      if (time >= 2n ** 53n || !(await holds(witness, note, checkpoint, time, signed))) {
        throw new VerificationError(`the cosignature of ${witness.name} does not hold`);
      }
      found.push({ name: witness.name, vkey: witness.vkey, time: Number(time) });
    }
  }
  return found;
}

async function holds(
  witness: Key,
  note: Note,
  checkpoint: Checkpoint,
  time: bigint,
  signature: Uint8Array,
): Promise<boolean> {
  if (witness.type === ED25519_COSIGNER) {
    const message = utf8(`cosignature/v1\ntime ${time}\n${note.text}`);
    return isSigned(witness.publicKey, message, signature);
  }
  return isMlDsaSigned(witness, mlDsaMessage(witness.name, checkpoint, time), signature);
}

/** Whether `signature` is by an ML-DSA-44 key over just these bytes. */
export async function isMlDsaSigned(
  witness: Key,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { ml_dsa44 } = await import("@noble/post-quantum/ml-dsa.js");
  return (
    signature.length === ml_dsa44.lengths.signature &&
    ml_dsa44.verify(signature, message, witness.publicKey)
  );
}

/** The structure `cosigned_message`; a checkpoint is the subtree that starts at 0. */
function mlDsaMessage(name: string, checkpoint: Checkpoint, time: bigint): Uint8Array {
  return concat(
    utf8("subtree/v1\n\0"),
    short(name),
    big(time, 8),
    short(checkpoint.origin),
    big(0, 8),
    big(checkpoint.size, 8),
    checkpoint.root,
  );
}

/** A name behind its length, which is one byte. */
function short(name: string): Uint8Array {
  const data = utf8(name);
  if (data.length > LONGEST_NAME) {
    throw new FormatError("a name too long for a cosignature");
  }
  return concat(big(data.length, 1), data);
}
