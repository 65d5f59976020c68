"""Entries shown with what proves them: whatever is changed of it, it proves nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sparse_log import ProvenEntries, ProvenLog, ShownLog
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import canonical_json, parse_json
from ledger.checkpoint import Checkpoint
from ledger.merkle import build_root
from ledger.note import Signer
from tests.auditor.shown_logs import PURCHASES, ShownMerchantLogs
from tests.ledger.memory_log import ORIGIN

LOG = ShownMerchantLogs().purchases
SIZE = 700
CLOSES = (0, 1, 300, 512, 700)


def shown(*indices: int) -> ShownLog:
    checkpoint = Checkpoint(ORIGIN, SIZE, build_root(LOG.reader, SIZE))
    proven = ProvenEntries(checkpoint, {i: LOG.entries[i] for i in indices}, LOG.reader)
    for size in CLOSES:
        assert proven.root_at(size) == build_root(LOG.reader, size)
    assert proven.root_at(SIZE + 1) is None
    return proven.shown(LOG.note(SIZE))


def look(log: ShownLog) -> dict[int, bytes]:
    """As whoever is shown it."""
    proven = ProvenLog.open(log, [PURCHASES.verifier]).proven
    for size in CLOSES:
        proven.root_at(size)
    proven.require_no_more(log)
    return proven.entries


SHOWN = shown(0, 255, 256, 699)
DATA = canonical_json(SHOWN.document())


@pytest.mark.parametrize("indices", [(), (0,), (699,), (3, 4, 5, 600), tuple(range(700))])
def test_what_is_shown_is_seen(indices: tuple[int, ...]) -> None:
    log = ShownLog.parse(parse_json(canonical_json(shown(*indices).document())))
    assert look(log) == {i: LOG.entries[i] for i in indices}


@given(st.integers(0, 8 * len(DATA) - 1))
def test_whatever_is_changed_it_proves_nothing(bit: int) -> None:
    changed = bytearray(DATA)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KvittoError):
        look(ShownLog.parse(parse_json(bytes(changed))))


def change(name: str, rows: Any) -> ShownLog:
    document = json.loads(DATA)
    return ShownLog.parse({**document, name: rows(document[name])})


@pytest.mark.parametrize(
    ("name", "rows", "error"),
    [
        ("entries", lambda rows: [*rows, [700, rows[0][1]]], VerificationError),
        ("entries", lambda rows: [*rows[:-1], [698, rows[-1][1]]], VerificationError),
        ("entries", lambda rows: [rows[0], rows[0], *rows[1:]], FormatError),
        ("entries", lambda rows: rows[::-1], FormatError),
        ("entries", lambda rows: [[True, rows[0][1]], *rows[1:]], FormatError),
        ("entries", lambda rows: [[-1, rows[0][1]], *rows[1:]], FormatError),
        ("entries", lambda _: {}, FormatError),
        ("hashes", lambda rows: rows[1:], VerificationError),
        ("hashes", lambda rows: [*rows, [60, 0, rows[0][2]]], FormatError),
        ("hashes", lambda rows: [*rows, [64, 0, rows[0][2]]], FormatError),
        ("hashes", lambda rows: [*rows, [0, rows[0][2]]], FormatError),
        ("hashes", lambda rows: [[*rows[0][:2], rows[1][2]], *rows[1:]], VerificationError),
        ("checkpoint", lambda _: LOG.note(699).decode(), VerificationError),
        ("checkpoint", lambda _: None, FormatError),
    ],
)
def test_what_is_shown_falsely(name: str, rows: Any, error: type[KvittoError]) -> None:
    assert look(SHOWN)
    with pytest.raises(error):
        look(change(name, rows))


def test_another_key_has_signed_nothing_of_it() -> None:
    with pytest.raises(VerificationError, match="no known key"):
        ProvenLog.open(SHOWN, [Signer(ORIGIN, b"x" * 32).verifier])
