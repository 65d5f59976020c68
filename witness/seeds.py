"""Signing closes (docs/protocol.md 4, *Seed witnesses*): once for each log and period, for ever."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from commitments.errors import Refused
from ledger.closes import day_period
from ledger.events import DAILY
from ledger.note import Signer
from ledger.seeding import PeriodEnd, SignedEnd
from witness.handovers import require_newest
from witness.schema import seed_logs, seeds

__all__ = ["WrongPeriod", "sign_once", "signed_from"]

_MOST_SHOWN = 1000


class WrongPeriod(Refused):
    """It is not the time to sign this period; nothing was signed for it before."""

    def __init__(self) -> None:
        super().__init__("wrong-period", "not the period that may be signed now")


def sign_once(connection: Connection, end: PeriodEnd, signer: Signer, now: datetime) -> SignedEnd:
    """What is signed for the period of ``end``: this end, unless there was another before it.

    Without the rule on time a log could ask for many periods at once, and record the close whose
    seed it likes best. So of a log of days only yesterday is signed, of others only the period
    after the last one. :class:`WrongPeriod` for any other; :class:`KeysReplaced
    <witness.handovers.KeysReplaced>` if another key has followed that of ``signer``.
    """
    of_period = seeds.c.origin == end.origin, seeds.c.period == end.period
    row = connection.execute(select(seeds).where(*of_period)).one_or_none()
    if row is not None:
        earlier = PeriodEnd(end.origin, row.period, row.size, row.root)
        return SignedEnd(earlier, row.signature)
    if end.period != _next_period(connection, end.origin, now):
        raise WrongPeriod
    require_newest(connection, signer.verifier)  # or readers would see it go back to an old key
    signature = signer.sign(end.message())
    values = {"origin": end.origin, "period": end.period, "size": end.size, "root": end.root}
    connection.execute(insert(seeds).values(**values, signature=signature))
    return SignedEnd(end, signature)


def _next_period(connection: Connection, origin: str, now: datetime) -> int:
    periods = select(seed_logs.c.period).where(seed_logs.c.origin == origin)
    if connection.scalars(periods).one() == DAILY:
        return day_period(now - timedelta(days=1))
    last = connection.scalar(select(func.max(seeds.c.period)).where(seeds.c.origin == origin))
    return 0 if last is None else last + 1


def signed_from(connection: Connection, digest: bytes, first: int) -> list[SignedEnd]:
    """What was signed, from the period ``first`` on, ascending; at most 1,000.

    Of the log whose origin has the SHA-256 ``digest``. Anybody can compare them with the closes
    that the log shows: one that is missing there was signed, and not liked.
    """
    query = (
        select(seeds)
        .join(seed_logs, seed_logs.c.origin == seeds.c.origin)
        .where(seed_logs.c.digest == digest, seeds.c.period >= first)
        .order_by(seeds.c.period)
        .limit(_MOST_SHOWN)
    )
    return [
        SignedEnd(PeriodEnd(row.origin, row.period, row.size, row.root), row.signature)
        for row in connection.execute(query)
    ]
