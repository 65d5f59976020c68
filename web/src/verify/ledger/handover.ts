// Handovers: a key of a witness names its successor, and both sign. protocol.md 4, *Keys of
// witnesses*.

import { FormatError, VerificationError } from "../errors.ts";
import { type JsonObject, text } from "../json.ts";
import { concat, fromBase64, lp, utf8 } from "../wire.ts";
import { isMlDsaSigned, parseCosigner } from "./cosignature.ts";
import { isSigned } from "./ed25519.ts";
import { ED25519_KEY, type Key, parseLogKey, parseVkey } from "./note.ts";

const DOMAIN = utf8("kvitto-witness-rotation/v1");
const ML_DSA = 6;

/** Which keys of witnesses have followed which: of each at most one, and never one known before. */
export class Succession {
  readonly #next = new Map<string, Key>();
  readonly #ids = new Set<string>();

  /** Take in one more; an error if no honest witness makes it. */
  async add(members: JsonObject): Promise<void> {
    const [old, next] = [members.vkey, members.next_vkey].map((vkey) =>
      parseWitnessKey(text(vkey, "vkey")),
    );
    if (old === undefined || next === undefined || old.name !== next.name) {
      throw new VerificationError("the successor of a witness's key is of another name");
    }
    if (old.type !== next.type) {
      throw new VerificationError("the successor of a witness's key is of another kind");
    }
    const message = concat(DOMAIN, lp(utf8(old.vkey)), lp(utf8(next.vkey)));
    await requireSigned(old, message, text(members.signature, "signature"));
    await requireSigned(next, message, text(members.next_signature, "next_signature"));
    this.#follow(old, next);
  }

  /** The last of the keys that have followed this one. */
  newest(key: Key): Key {
    let last = key;
    for (let next = this.#next.get(key.vkey); next; next = this.#next.get(next.vkey)) {
      last = next;
    }
    return last;
  }

  #follow(old: Key, next: Key): void {
    if (this.#next.has(old.vkey)) {
      throw new VerificationError("one key of a witness has two successors");
    }
    this.#ids.add(idOf(old));
    if (this.#ids.has(idOf(next))) {
      throw new VerificationError("the successor of a witness's key is no new key");
    }
    this.#ids.add(idOf(next));
    this.#next.set(old.vkey, next);
  }
}

function parseWitnessKey(vkey: string): Key {
  return parseVkey(vkey).type === ED25519_KEY ? parseLogKey(vkey) : parseCosigner(vkey);
}

async function requireSigned(key: Key, message: Uint8Array, encoded: string): Promise<void> {
  const signature = fromBase64(encoded);
  const signed =
    key.type === ML_DSA
      ? await isMlDsaSigned(key, message, signature)
      : await isSigned(key.publicKey, message, signature);
  if (!signed) {
    throw new VerificationError("a handover between keys of a witness is not signed by both");
  }
}

/** What names a key in a note. */
function idOf({ name, keyId }: Key): string {
  if (keyId.length !== 4) {
    throw new FormatError("a key id has four bytes");
  }
  return `${name}+${keyId.join(".")}`;
}
