from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.p256 import P256
from commitments.wire import canonical_json, parse_json
from policies.transfer import parse_transfer, transfer_id, transfer_scope
from tests.zk.transfers import handover
from zk.transfer import Acceptance

BODY = handover(P256).body()
ANSWER = BODY.acceptance.document()


def test_reads_what_it_writes() -> None:
    assert parse_transfer(BODY.document(), P256) == BODY
    again = parse_json(canonical_json(BODY.document()))
    assert parse_transfer(again, P256).context == BODY.context


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "claim"}, "transfer.type"),
        ({"origin": "a|b"}, "transfer.origin"),
        ({"first": "0"}, "transfer.first"),
        ({"size": True}, "transfer.size"),
        ({"voided_at": -1}, "transfer.voided_at"),
        ({"lane": None}, "transfer.lane"),
        ({"date": "2026-11-31"}, "transfer.date"),
        ({"nonce": "00" * 15}, "transfer.nonce"),
        ({"blinded": "02" * 32}, "transfer.blinded"),
        ({"blinded": "AB" * 33}, "transfer.blinded"),
        ({"blinded": 5}, "transfer.blinded"),
        ({"acceptance": ANSWER["commitment"]}, "transfer.acceptance"),
        ({"acceptance": {**ANSWER, "more": ""}}, "transfer.acceptance"),
        ({"acceptance": {**ANSWER, "proof": ""}}, "transfer.acceptance.proof"),
        ({"acceptance": {**ANSWER, "commitment": None}}, "transfer.acceptance.commitment"),
        ({"secret": "00" * 32}, "transfer.secret"),
    ],
)
def test_refuses_a_body_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_transfer({**BODY.document(), **changes}, P256)
    assert refused.value.field == field


@pytest.mark.parametrize("missing", sorted(BODY.document()))
def test_refuses_a_body_without_a_member(missing: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_transfer({k: v for k, v in BODY.document().items() if k != missing}, P256)
    assert refused.value.field == f"transfer.{missing}"


@pytest.mark.parametrize("document", [None, [], "transfer", 5, {}])
def test_refuses_what_is_no_body_at_all(document: Any) -> None:
    with pytest.raises(FormatError):
        parse_transfer(document, P256)


@given(st.sampled_from(sorted(BODY.__dataclass_fields__)), st.integers(1, 9))
def test_every_member_is_bound_by_the_context(name: str, by: int) -> None:
    value = getattr(BODY, name)
    if isinstance(value, Acceptance):
        changed: Any = replace(value, proof=value.proof + bytes([by]))
    elif isinstance(value, bytes):
        changed = value + bytes([by])
    else:
        changed = value + by if isinstance(value, int) else f"{value}{by}"
    assert replace(BODY, **{name: changed}).context != BODY.context


def test_id_and_scope_are_those_of_the_protocol() -> None:
    assert transfer_id(BODY, b"proof") == sha256(BODY.context + b"proof").hexdigest()
    scope = transfer_scope("ledger.example/acme", b"\x02\xab")
    assert (scope.kind, scope.text) == ("secret", "transfer|ledger.example/acme|02ab")
