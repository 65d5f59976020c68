"""What the two logs of a merchant say about transfers (docs/protocol.md 8, *Transfer*).

An ownership that ended by a transfer has left one entry of its next owner in the purchase log.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from commitments.errors import FormatError
from commitments.wire import parse_hex
from ledger.entries import COMMITMENT_BYTES
from ledger.event_log import events_of
from ledger.events import OWNERSHIP_RETIRED, TRANSFER_APPROVED

__all__ = ["transfer_faults"]


def transfer_faults(
    connection: Connection, origin: str, transferred: Collection[bytes]
) -> Iterator[str]:
    """Where the event log does not agree with the C_new that the purchase log has, all of them."""
    events = events_of(connection, origin, [TRANSFER_APPROVED, OWNERSHIP_RETIRED])
    try:
        completed = set(_completed(event for _, event in events))
    except FormatError:
        yield "the event log's transfers cannot be read"
        return
    if completed - set(transferred):
        yield "an ownership ended by a transfer, and its next owner's entry is missing"
    if set(transferred) - completed:
        yield "a transferred purchase is of no transfer that the event log has"


def _completed(events: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """C_new of each transfer whose old owner has shown the secret."""
    approved: dict[Any, bytes] = {}
    for event in events:
        if event["type"] == TRANSFER_APPROVED:
            try:
                commitment = event["transfer"]["acceptance"]["commitment"]
                approved[event["transfer_id"]] = parse_hex(
                    commitment, "commitment", COMMITMENT_BYTES
                )
            except (KeyError, TypeError):
                raise FormatError("not an approval of a transfer", "event") from None
        elif event.get("transfer_id") in approved:
            yield approved[event["transfer_id"]]
