"""All detectors: what an honest-looking merchant could still do, looked for in what the logs say.

Each is a module with a ``NAME``, a docstring that defines what it finds, and ``find``, a pure
function of a record and of the time up to which it is complete. What has been found stays found:
of a record that goes on, each detector yields the same findings again, and others (docs/adr/0032).
"""

from datetime import timedelta

from auditor.detectors import (
    bursts,
    cosignatures,
    deadlines,
    declines,
    key_changes,
    late_closes,
    policy_changes,
    repeated_slots,
    rings,
    sandbox,
    void_rings,
    void_share,
    void_timing,
)
from auditor.findings import SEVERITIES, Finding
from auditor.record import Record
from auditor.times import later

__all__ = ["DETECTORS", "find_all"]

DETECTORS = (
    void_timing,
    void_rings,
    void_share,
    bursts,
    policy_changes,
    rings,
    declines,
    deadlines,
    repeated_slots,
    late_closes,
    cosignatures,
    key_changes,
    sandbox,
)
"""In the order of docs/methodology.md."""

_BACKWARDS = timedelta(minutes=5)  # times in a log may go back by so much (rule `event-time`)


def find_all(record: Record, now: str) -> list[Finding]:
    """What all detectors find, the gravest first and each kind in its order of time.

    ``now`` is an event time: the record has all that was logged before.
    """
    settled = later(now, -_BACKWARDS)
    found = [finding for detector in DETECTORS for finding in detector.find(record, settled)]
    return sorted(found, key=lambda each: (-SEVERITIES.index(each.severity), each.time, each.id))
