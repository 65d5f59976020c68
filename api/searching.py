"""Finding entries by what people have in hand: an index, the id of a claim or policy, a tag.

What is found is a pointer into the logs; whoever asks looks there, and believes nothing of this.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from aftersales.versions import PUBLISHED
from commitments.errors import FormatError
from commitments.wire import parse_decimal
from ledger.entries import parse_entry
from ledger.event_log import events_of
from ledger.events import events_origin, parse_event
from ledger.log import Log
from verifier.schema import approved, cases, tags

__all__ = ["search"]

_MOST = 20
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_CLAIM = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
_TAG = re.compile(r"0[23][0-9a-f]{64}", re.ASCII)

Result = dict[str, Any]


def search(connection: Connection, origin: str, sought: str) -> list[Result]:
    """At most 20 entries of the two logs of ``origin``, as JSON objects."""
    return list(islice(_found(connection, origin, sought.strip()), _MOST))


def _found(connection: Connection, origin: str, sought: str) -> Iterator[Result]:
    if _INDEX.fullmatch(sought):
        yield from _at(connection, origin, parse_decimal(sought, "q"))
    if _CLAIM.fullmatch(sought.lower()):
        yield from _claims(connection, origin, sought.lower())
    if _TAG.fullmatch(sought.lower()):
        yield from _tagged(connection, origin, sought.lower())
    yield from _policies(connection, origin, sought)


def _at(connection: Connection, origin: str, index: int) -> Iterator[Result]:
    purchases = Log.published(connection, origin)
    if index < purchases.size:
        yield _result("purchase", "purchases", index, _entry_title(purchases.entry(index)))
    events = Log.published(connection, events_origin(origin))
    if index < events.size:
        event = parse_event(events.entry(index))
        yield _result("event", "events", index, f"{event['type']}, {event['time']}")


def _entry_title(data: bytes) -> str:
    try:
        return type(parse_entry(data)).__name__.lower()
    except FormatError:  # a log that is a copy may have anything
        return "unreadable"


def _claims(connection: Connection, origin: str, prefix: str) -> Iterator[Result]:
    """``g`` comes behind every hex digit."""
    query = select(cases.c.claim_id, cases.c.position, cases.c.state).where(
        cases.c.origin == origin, cases.c.claim_id >= prefix, cases.c.claim_id < prefix + "g"
    )
    for row in connection.execute(query.order_by(cases.c.claim_id).limit(_MOST)):
        yield _result("claim", "events", row.position, f"{row.claim_id}, {row.state}")


def _tagged(connection: Connection, origin: str, tag: str) -> Iterator[Result]:
    """Serial tags as long as they are used up, and the secret tags of claims and transfers."""
    named = select(tags.c.claim_id).where(tags.c.origin == origin, tags.c.tag == bytes.fromhex(tag))
    query = select(approved.c.identifier, approved.c.kind, approved.c.position).where(
        approved.c.origin == origin,
        (approved.c.secret_tag == bytes.fromhex(tag)) | approved.c.identifier.in_(named),
    )
    for row in connection.execute(query.order_by(approved.c.position).limit(_MOST)):
        yield _result("tag", "events", row.position, f"{row.kind} {row.identifier}")


def _policies(connection: Connection, origin: str, sought: str) -> Iterator[Result]:
    for position, event in events_of(connection, origin, [PUBLISHED]):
        policy = event["policy"]
        if sought and policy["id"].startswith(sought):
            yield _result("policy", "events", position, f"{policy['id']} {policy['version']}")


def _result(kind: str, log: str, index: int, title: str) -> Result:
    return {"kind": kind, "log": log, "index": index, "title": title}
