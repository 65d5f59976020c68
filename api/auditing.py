"""What the service says of a merchant's logs as an auditor has read them.

Its own opinion of its own logs: whoever doubts it reads them, as ``kvitto audit`` and the dashboard
do, and must come to the same.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from aftersales.histories import Histories
from aftersales.overview import overview
from api.atom import ATOM, Item, feed
from api.readings import Reading
from api.tagged import Tagged
from auditor.detecting import find_all
from auditor.findings import ALARM, Finding
from auditor.reporting import report_disagreements
from commitments.wire import canonical_json
from issuer.merchants import Merchant

__all__ = ["FINDINGS", "OVERVIEW", "make_feed", "make_findings", "make_overview"]

OVERVIEW, FINDINGS = "overview", "findings"
_MOST_ITEMS = 100  # of a feed, the newest
_NO_TIME = "1970-01-01T00:00:00Z"


def make_overview(reading: Reading, _now: str) -> Tagged:
    """As :func:`aftersales.overview.overview`, of what readers see."""
    record = reading.record
    histories = Histories(reading.origin) if record is None else record.histories
    voids = () if record is None else record.voids
    told = [(v.time, v.reason) for v in voids if v.time is not None and v.reason is not None]
    sizes = {"events": reading.events, "purchases": min(reading.purchases, reading.sizes.shown)}
    return Tagged.json(overview(reading.origin, histories, told, **sizes, at=reading.at))


def make_findings(reading: Reading, now: str) -> Tagged:
    """Broken rules, and what deserves a question at the event time ``now``."""
    broken = reading.replay.disagreements
    found: list[Finding] = []
    if reading.record is not None:
        broken = [*broken, *report_disagreements(reading.record)]
        found = find_all(reading.record, now)
    return Tagged.json(
        {
            "events": reading.events,
            "at": reading.at,
            "disagreements": [each.document() for each in broken],
            "findings": [each.document() for each in found],
        }
    )


def make_feed(merchant: Merchant, service: str) -> Callable[[Reading, str], Tagged]:
    """Makes the findings an Atom feed: of ``merchant``, by the service of that name."""

    def make(reading: Reading, now: str) -> Tagged:
        found = json.loads(reading.answer(FINDINGS, now, make_findings).body)
        items = sorted(_items(merchant, found, reading), key=lambda item: item.updated)
        return Tagged(
            feed(
                f"urn:kvitto:findings:{merchant.origin}",
                f"{merchant.name}: findings",
                service,
                items[-1].updated if items else _time(reading, 0),
                address=f"/v1/merchants/{merchant.id}/findings.atom",
                page=f"/dashboard#/{merchant.id}/findings",
                items=items[: -_MOST_ITEMS - 1 : -1],
            ),
            ATOM,
        )

    return make


def _items(merchant: Merchant, found: Mapping[str, Any], reading: Reading) -> Iterator[Item]:
    page = f"/dashboard#/{merchant.id}"
    for finding in found["findings"]:
        yield Item(
            f"urn:kvitto:finding:{merchant.origin}:{finding['id']}",
            f"{finding['severity']}: {finding['detector']}",
            finding["time"],
            finding["text"],
            finding["severity"],
            f"{page}/findings",
            [f"{page}/entry/{entry['log']}/{entry['index']}" for entry in finding["entries"]],
        )
    for broken in found["disagreements"]:
        name = sha256(canonical_json(broken)).hexdigest()[:16]
        events = [entry["index"] for entry in broken["entries"] if entry["log"] == "events"]
        yield Item(
            f"urn:kvitto:disagreement:{merchant.origin}:{name}",
            f"broken rule: {broken['rule']}",
            _time(reading, max(events, default=0)),
            broken["why"],
            ALARM,
            f"{page}/findings",
            [f"{page}/entry/{entry['log']}/{entry['index']}" for entry in broken["entries"]],
        )


def _time(reading: Reading, index: int) -> str:
    return _NO_TIME if reading.record is None else reading.record.times[index]
