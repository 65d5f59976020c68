"""The witness signs one end of each period, whatever it is asked and wherever it crashes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from commitments.errors import FormatError, KvittoError, Refused
from ledger.closes import day_period
from ledger.note import Signer
from ledger.seeding import PeriodEnd, SignedEnd
from tests.witness.world import HONEST, KEYS, LOG, ORIGIN, open_witness
from tests.world import FakeClock
from witness.service import UnknownLog, Untrusted, Witness, WrongPeriod

DIGEST = sha256(ORIGIN.encode()).digest()
KEY = KEYS.seed_signer.verifier


def end(period: int, size: int = 7, root: bytes = b"r" * 32) -> PeriodEnd:
    return PeriodEnd(ORIGIN, period, size, root)


def asked(wanted: PeriodEnd, signer: Signer = LOG) -> bytes:
    return signer.sign_note(wanted.text()).serialise()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    with open_witness(tmp_path) as opened:
        opened.sign_seeds(ORIGIN, "manual")
        yield opened


@pytest.fixture
def daily(tmp_path: Path) -> Iterator[tuple[Witness, FakeClock]]:
    clock = FakeClock()
    with open_witness(tmp_path, clock) as opened:
        opened.sign_seeds(ORIGIN, "P1D")
        yield opened, clock


def test_each_period_is_signed_once(witness: Witness) -> None:
    first = witness.sign_seed(asked(end(0)))
    first.verify(KEY)
    assert first.end == end(0)
    for other in (end(0), end(0, 8), end(0, 6), end(0, 7, b"x" * 32)):
        assert witness.sign_seed(asked(other)) == first  # bit for bit
    assert witness.sign_seed(asked(end(1, 7, b"x" * 32))).end.root == b"x" * 32
    assert witness.seeds(DIGEST, 0)[0] == first
    assert [signed.end.period for signed in witness.seeds(DIGEST, 0)] == [0, 1]
    assert [signed.end.period for signed in witness.seeds(DIGEST, 1)] == [1]


def test_periods_by_call_come_one_after_the_other(witness: Witness) -> None:
    """Or a merchant could try periods until it likes the seed of one."""
    for period in (1, 2, 20_777):
        with pytest.raises(WrongPeriod):
            witness.sign_seed(asked(end(period)))
    witness.sign_seed(asked(end(0)))
    with pytest.raises(WrongPeriod):
        witness.sign_seed(asked(end(2)))
    assert witness.sign_seed(asked(end(1))).end == end(1)


def test_of_days_only_yesterday_is_signed(daily: tuple[Witness, FakeClock]) -> None:
    witness, clock = daily
    today = day_period(clock())
    for day in (0, 1, today - 2, today, today + 1):
        with pytest.raises(WrongPeriod):
            witness.sign_seed(asked(end(day)))
    yesterday = witness.sign_seed(asked(end(today - 1)))
    clock.advance(days=3)
    assert witness.sign_seed(asked(end(today - 1, 9))) == yesterday
    for day in (today, today + 1):
        with pytest.raises(WrongPeriod):
            witness.sign_seed(asked(end(day)))
    assert witness.sign_seed(asked(end(today + 2))).end == end(today + 2)
    clock.advance(days=-3)
    assert witness.sign_seed(asked(end(today - 1, 9))) == yesterday


def test_only_the_log_can_use_up_a_period(witness: Witness) -> None:
    with pytest.raises(Untrusted):
        witness.sign_seed(asked(end(0), Signer(ORIGIN, b"s" * 32)))
    with pytest.raises(Untrusted):
        witness.sign_seed(asked(end(0), Signer("someone", b"s" * 32)))
    forged = LOG.sign_note(end(0).text())
    with pytest.raises(Untrusted):
        witness.sign_seed(replace(forged, text=end(0, 8).text()).serialise())
    with pytest.raises(FormatError):
        witness.sign_seed(HONEST.note(7))  # a checkpoint is no request: those are public
    other = Signer("ledger.example/other", b"o" * 32)
    with pytest.raises(UnknownLog):
        witness.sign_seed(asked(replace(end(0), origin=other.name), other))
    assert witness.seeds(DIGEST, 0) == []


def test_a_log_is_not_signed_for_before_the_operator_says_so(tmp_path: Path) -> None:
    with open_witness(tmp_path) as witness:
        with pytest.raises(UnknownLog):
            witness.sign_seed(asked(end(0)))
        with pytest.raises(UnknownLog):
            witness.sign_seeds("ledger.example/other", "manual")
        witness.sign_seeds(ORIGIN, "manual")
        witness.sign_seeds(ORIGIN, "manual")
        with pytest.raises(Refused, match="otherwise"):
            witness.sign_seeds(ORIGIN, "P1D")
        assert witness.sign_seed(asked(end(0))).end == end(0)


def test_of_two_ends_at_once_one_is_signed(witness: Witness) -> None:
    requests = [asked(end(0, size)) for size in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(witness.sign_seed, requests))
    assert len(answers) == 1


steps = st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans())


@given(st.lists(steps, max_size=12))
def test_whatever_is_asked_a_period_has_one_seed(requests: list[Any]) -> None:
    signed: set[SignedEnd] = set()
    with TemporaryDirectory() as directory:
        for period, size, crash in requests:
            with open_witness(Path(directory)) as witness:
                witness.sign_seeds(ORIGIN, "manual")
                if crash:
                    event.listen(witness._writer, "commit", _fail)
                try:
                    signed.add(witness.sign_seed(asked(end(period, size))))
                except (KvittoError, OSError):
                    continue
    periods = [s.end.period for s in signed]
    assert sorted(periods) == list(range(len(periods)))


def _fail(_connection: Any) -> None:
    raise OSError("disk full")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seeds SET root = x'00'",
        "UPDATE seeds SET period = 7",
        "DELETE FROM seeds",
        "REPLACE INTO seeds SELECT origin, period, 9, root, signature FROM seeds",
        "UPDATE seed_logs SET period = 'P1D'",
        "DELETE FROM seed_logs",
        "REPLACE INTO seed_logs SELECT origin, digest, 'P1D' FROM seed_logs",
    ],
)
def test_the_database_refuses_to_forget(witness: Witness, statement: str) -> None:
    first = witness.sign_seed(asked(end(0)))
    with witness._writer.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))
    assert witness.sign_seed(asked(end(0, 9))) == first


def test_the_key_for_seeds_is_a_key_of_its_own() -> None:
    keys = [cosigner.verifier.public_key for cosigner in KEYS.cosigners]
    assert KEY.public_key not in keys
    assert KEYS.public()["seed_key"] == KEY.vkey
