"""The published notices of a merchant: recalls and alerts, events of its log and nothing else."""

from typing import Any

from commitments.clock import Clocks
from commitments.errors import Refused
from ledger.event_log import append_event, events_of
from ledger.events import event_time, events_origin
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction
from policies.notice import NOTICE_PUBLISHED, Notice, parse_notice

__all__ = ["publish_notice"]


def publish_notice(
    store: Store, clocks: Clocks, origin: str, document: Any, once: Once | None = None
) -> tuple[int, Notice]:
    """Log a notice of the merchant with this purchase log; its index in the event log.

    ``FormatError`` for a document that is no notice; ``Refused`` for another merchant's origin or
    an id that has been published.
    """
    notice = parse_notice(document)
    if notice.origin != origin:
        raise Refused("foreign-origin", "the notice is about another merchant's goods", "origin")

    def unit(transaction: Transaction) -> int:
        published = events_of(transaction.connection, origin, [NOTICE_PUBLISHED])
        if any(event["notice"]["id"] == notice.id for _, event in published):
            raise Refused("duplicate-notice", "a notice with this id has been published", "id")
        event = {
            "type": NOTICE_PUBLISHED,
            "time": event_time(clocks.at(origin)),
            "number": len(published),
            "notice": notice.document(),
        }
        return append_event(transaction, origin, event)

    return store.write(unless_done(unit, once), events_origin(origin)), notice
