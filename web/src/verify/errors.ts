// What goes wrong when bytes are read and proofs are checked.

/** Bytes or text that do not have the form they must have. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** Well-formed, and false. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
}
