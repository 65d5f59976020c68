"""Ends of warranties as a calendar file (RFC 5545).

Written out: an event of a whole day with alarms is 20 lines of text, and the packages that write
such files (icalendar, ics) bring time zones and parsers that nothing here uses.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from commitments.wire import canonical_json
from sdk.advisor import ENDS_SOON, Prospect

__all__ = ["calendar_of"]

_LONGEST_LINE = 75  # octets, without the line end (RFC 5545, 3.1)


def calendar_of(prospects: Sequence[Prospect], now: datetime) -> str:
    """An event on the last day of the last warranty of each purchase, with three alarms before."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Kvitto//Kvitto 0.1//EN"]
    for prospect in prospects:
        lines += _event(prospect, now)
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) for line in lines)


def _event(prospect: Prospect, now: datetime) -> Iterator[str]:
    purchase, warranty = prospect.purchase, prospect.warranty
    if warranty is None:
        return
    # The same end has the same name in each export, so that importing again moves the event.
    name = canonical_json([purchase.origin, purchase.order, warranty.policy.id])
    yield "BEGIN:VEVENT"
    yield f"UID:{sha256(name).hexdigest()}@kvitto"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{_day(warranty.last_day)}"
    if warranty.last_day < date.max:
        yield f"DTEND;VALUE=DATE:{_day(warranty.last_day + timedelta(days=1))}"
    yield f"SUMMARY:{_text(f'{warranty.policy.title} ends: order {purchase.order}')}"
    yield "TRANSP:TRANSPARENT"
    for days in ENDS_SOON:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:-P{days}D"
        yield f"DESCRIPTION:{_text(f'{warranty.policy.title} ends in {days} days')}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _day(day: date) -> str:
    return f"{day.year:04}{day.month:02}{day.day:02}"


def _text(text: str) -> str:
    """RFC 5545, 3.3.11; what is shown came from a policy, which has no line ends."""
    for special in ("\\", ";", ","):
        text = text.replace(special, f"\\{special}")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _folded(line: str) -> str:
    """RFC 5545, 3.1: cut into lines of at most 75 octets, never within a character."""
    folded, width = "", 0
    for character in line:
        octets = len(character.encode("utf-8"))
        if width + octets > _LONGEST_LINE:
            folded += "\r\n "
            width = 1
        folded += character
        width += octets
    return folded + "\r\n"
