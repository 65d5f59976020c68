"""Checking a disclosure offline, with the log's key and nothing else (docs/protocol.md 8)."""

from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from ledger.checkpoint import Checkpoint
from ledger.entries import Purchase, Transferred, parse_entry
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from policies.disclosure import Disclosure, DisclosureBody, disclosure_statement
from zk.verify import verify

__all__ = ["VerifiedDisclosure", "verify_disclosure"]


@dataclass(frozen=True)
class VerifiedDisclosure:
    """A disclosure that holds for the entry at ``index``, as of ``checkpoint``.

    What came after the checkpoint it does not say: a later void, or a transfer to another owner.
    ``tags`` are the serial's and the secret's. A second disclosure of the same purchase to this
    recipient for this purpose has the first of them, whoever owns it then.
    """

    body: DisclosureBody
    index: int
    checkpoint: Checkpoint
    tags: tuple[bytes, ...]


def verify_disclosure(
    group: Group,
    disclosure: Disclosure,
    *verifiers: Verifier,
    recipient: str,
    purpose: str,
    policy: Quorum = NO_QUORUM,
) -> VerifiedDisclosure:
    """What a disclosure proves to ``recipient``, who asked for it for ``purpose``.

    Parameters
    ----------
    verifiers
        the key of the merchant's purchase log, or its two keys; not from the file.
    recipient, purpose
        as they were agreed upon; not from the file.
    policy
        whose cosignatures the checkpoint must have.

    Raises
    ------
    FormatError
        the entry, the tlog-proof or the proof cannot be read.
    VerificationError
        it is for somebody or something else, or one of the proofs does not hold.
    """
    body = disclosure.body
    # 1. It was made for this recipient and purpose; another's disclosure is of no use.
    if body.recipient != recipient:
        raise VerificationError("it was made for another recipient", "disclosure.recipient")
    if body.purpose != purpose:
        raise VerificationError("it was made for another purpose", "disclosure.purpose")
    # 2. The entry is a purchase in the merchant's log.
    entry = parse_entry(disclosure.entry)
    if not isinstance(entry, Purchase | Transferred):
        raise FormatError("not a purchase", "entry")
    inclusion = TlogProof.parse(disclosure.inclusion.encode("utf-8"))
    if inclusion.extra:
        raise FormatError("extra data, which nobody has signed", "inclusion")
    checkpoint = verify_tlog_proof(inclusion, disclosure.entry, *verifiers, policy=policy)
    if body.origin != checkpoint.origin:
        raise VerificationError("it is about another log", "disclosure.origin")
    # 3. Its owner says this of it.
    statement = disclosure_statement(
        group, body, entry.commitment, inclusion.index, checkpoint.size, checkpoint.root
    )
    verified = verify(statement, disclosure.proof)
    return VerifiedDisclosure(body, inclusion.index, checkpoint, verified.tags)
