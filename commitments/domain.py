"""Every domain separator and label of the protocol, and nothing else (docs/protocol.md 2, 3, 9).

Two uses of one hash function that share a separator can be played against each other; one page
that holds them all is how to see that none do.
"""

from commitments.group import Group

__all__ = [
    "ATTRIBUTE_DST",
    "SERIAL_DST",
    "claim_session",
    "generator_dst",
    "issue_session",
    "suite_name",
    "tag_dst",
    "transfer_session",
]

ATTRIBUTE_DST = "KVITTO-V01-ATTRIBUTE-"
"""Followed by ``product``, ``batch`` or ``unit``; the same for every group."""
SERIAL_DST = "KVITTO-V01-SERIAL"


def suite_name(group: Group) -> bytes:
    """First field of every encoded statement (docs/protocol.md 5)."""
    return f"KVITTO-V01-Shake128_{group.name}".encode("ascii")


def claim_session(group: Group) -> bytes:
    """Session tag of a proof's sponge (docs/protocol.md 6)."""
    return suite_name(group) + b"-CLAIM"


def issue_session(group: Group) -> bytes:
    """First part of the tag of a buyer request's proof (docs/protocol.md 3)."""
    return f"KVITTO-V01-ISSUE-CMPT-with-sigma-proofs_Shake128_{group.name}".encode("ascii")


def transfer_session(group: Group) -> bytes:
    """First part of the tag of an acceptance's proof (docs/protocol.md 8, *Transfer*)."""
    return f"KVITTO-V01-TRANSFER-CMPT-with-sigma-proofs_Shake128_{group.name}".encode("ascii")


def generator_dst(group: Group) -> bytes:
    """Domain separation tag of the generators (docs/protocol.md 2)."""
    return f"KVITTO-V01-GENERATOR-with-{group.hash_suite}".encode("ascii")


def tag_dst(group: Group) -> bytes:
    """Domain separation tag of the bases of tags (docs/protocol.md 6, part 0)."""
    return f"KVITTO-V01-TAG-with-{group.hash_suite}".encode("ascii")
