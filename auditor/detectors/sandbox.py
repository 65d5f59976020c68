"""A sandbox's log: nothing in it has happened, and its times may lie in the future.

Whoever audits it as a shop's should know. The finding is its declaration, a notice.
"""

from collections.abc import Iterator

from auditor.findings import NOTICE, Entry, Finding
from auditor.record import Record
from commitments.sandbox import is_sandbox

__all__ = ["NAME", "find"]

NAME = "sandbox"


def find(record: Record, now: str) -> Iterator[Finding]:
    """The declaration of a sandbox."""
    origin = record.declaration.origin
    if is_sandbox(origin) and record.times:
        text = "{origin} is a sandbox: nothing in it has happened"
        facts = {"origin": origin}
        entries = (Entry("events", 0),)
        yield Finding(NAME, NOTICE, record.times[0], text.format_map(facts), facts, entries)
