"""Attachments of steps: ciphertexts that lie beside the logs, and can be erased.

The event of a step has their digests. No event has their contents, so nothing makes this table
again: back it up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from aftersales.steps import BUYER, MERCHANT
from commitments.errors import FormatError, Refused
from ledger.schema import metadata
from policies.attachments import LARGEST_ATTACHMENT, SMALLEST_ATTACHMENT, attachment_digest

__all__ = [
    "MOST_BYTES_OF_A_STEP",
    "attachments",
    "check_attachments",
    "erase_attachments",
    "find_attachment",
    "read_inbox",
    "store_attachments",
]

MOST_BYTES_OF_A_STEP = 1 << 23
_MOST_BYTES = 1 << 24  # of one side of a claim: one answer holds all that the merchant has written

attachments = Table(
    "attachments",
    metadata,
    Column("origin", String, primary_key=True),
    Column("claim_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("written_by", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""By claim and number of the step. What has been erased has no row any more."""


def check_attachments(digests: Sequence[str], contents: Sequence[bytes]) -> None:
    """``FormatError`` unless these are the attachments that a step names, in its order."""
    if len(contents) != len(digests):
        raise FormatError("not as many as the step names", "attachments")
    if sum(map(len, contents)) > MOST_BYTES_OF_A_STEP:
        raise FormatError(f"more than {MOST_BYTES_OF_A_STEP} bytes together", "attachments")
    for place, (digest, content) in enumerate(zip(digests, contents, strict=True)):
        if not SMALLEST_ATTACHMENT <= len(content) <= LARGEST_ATTACHMENT:
            raise FormatError("not of a size that a ciphertext can have", f"attachments[{place}]")
        if attachment_digest(content) != digest:
            raise FormatError("not the attachment that the step names", f"attachments[{place}]")


def store_attachments(
    connection: Connection, origin: str, step: Mapping[str, Any], contents: Sequence[bytes]
) -> None:
    """Keep the checked attachments of a step.

    ``Refused`` where the side that takes it has no room left in this claim.
    """
    if not contents:
        return
    row = {
        "origin": origin,
        "claim_id": step["claim_id"],
        "number": step["number"],
        "written_by": step["by"],
    }
    of_side = [attachments.c[name] == row[name] for name in ("origin", "claim_id", "written_by")]
    kept = connection.scalar(select(func.sum(attachments.c.size)).where(*of_side)) or 0
    if kept + sum(map(len, contents)) > _MOST_BYTES:
        message = f"more than {_MOST_BYTES} bytes of one side: erase, or write less"
        raise Refused("claim-full", message, "attachments")
    rows = [
        {**row, "digest": digest, "size": len(content), "content": content}
        for digest, content in zip(step["attachments"], contents, strict=True)
    ]
    connection.execute(insert(attachments), rows)


def find_attachment(
    connection: Connection, origin: str, claim_id: str, digest: str
) -> bytes | None:
    """One that the buyer has written; None when it has been erased, or never was."""
    query = select(attachments.c.content).where(
        attachments.c.origin == origin,
        attachments.c.claim_id == claim_id,
        attachments.c.digest == digest,
        attachments.c.written_by == BUYER,
    )
    content: bytes | None = connection.scalars(query).first()
    return content


def read_inbox(
    connection: Connection, origin: str, claim_id: str
) -> Mapping[tuple[int, str], bytes]:
    """What the merchant has written and nobody has erased, by number of the step and digest."""
    query = select(attachments).where(
        attachments.c.origin == origin,
        attachments.c.claim_id == claim_id,
        attachments.c.written_by == MERCHANT,
    )
    return {(row.number, row.digest): row.content for row in connection.execute(query)}


def erase_attachments(connection: Connection, origin: str, claim_id: str) -> None:
    """Delete all of a claim, of both sides."""
    connection.execute(
        delete(attachments).where(
            attachments.c.origin == origin, attachments.c.claim_id == claim_id
        )
    )
