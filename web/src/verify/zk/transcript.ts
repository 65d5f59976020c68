// The Fiat-Shamir transcript: an XOF duplex sponge over SHAKE128. protocol.md 2.
//
// The state is SHAKE128(session id || 0^136 || absorbed); squeezes continue one output, a non-empty
// absorb restarts it, and squeezed bytes are never fed back.

import { shake128 } from "@noble/hashes/sha3.js";
import { VerificationError } from "../errors.ts";
import { toNumber, utf8 } from "../wire.ts";
import { mod } from "./group.ts";

const RATE = 168; // of SHAKE128, in bytes
const SESSION_ID_BYTES = 32;
const CHALLENGE_BYTES = 48; // 16 more than a scalar, so that reducing leaves no bias

class DuplexSponge {
  readonly #state = shake128.create();
  #squeezed = 0;

  constructor(sessionId: Uint8Array) {
    this.#state.update(sessionId).update(new Uint8Array(RATE - SESSION_ID_BYTES));
  }

  absorb(data: Uint8Array): void {
    if (data.length > 0) {
      this.#state.update(data);
      this.#squeezed = 0;
    }
  }

  squeeze(length: number): Uint8Array {
    const start = this.#squeezed;
    this.#squeezed += length;
    return this.#state.clone().xof(this.#squeezed).subarray(start);
  }
}

/** A sponge that gives challenges. */
export class Transcript {
  readonly #sponge: DuplexSponge;

  constructor(session: string) {
    const derived = new DuplexSponge(utf8("irtf-cfrg-fiat-shamir/session-id"));
    derived.absorb(utf8(session));
    this.#sponge = new DuplexSponge(derived.squeeze(SESSION_ID_BYTES));
  }

  absorb(data: Uint8Array): void {
    this.#sponge.absorb(data);
  }

  /** A nonzero scalar that depends on all that was absorbed; zero rejects the proof. */
  challenge(): bigint {
    const challenge = mod(toNumber(this.#sponge.squeeze(CHALLENGE_BYTES).slice().reverse()));
    if (challenge === 0n) {
      throw new VerificationError("a challenge is zero");
    }
    return challenge;
  }
}
