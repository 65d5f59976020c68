"""The logs that the browser's tests read are still what the Python rooms find in them."""

import json
from pathlib import Path

from commitments.wire import parse_base64
from ledger.cosignature import parse_cosigner
from ledger.note import parse_vkey
from ledger.quorum import Group, Quorum, Witness, verify_cosigned
from tests.web.expected import expected
from tests.web.make import FIXTURES, make
from tests.web.verdict import Judge

HOME = FIXTURES / "acme"


def test_what_is_expected_of_the_browser_is_what_the_logs_say() -> None:
    found = json.loads((HOME / "expected.json").read_text("utf-8"))
    assert {name: found[name] for name in found if name != "witnesses"} == expected(HOME)
    assert {1, 2, 64} & {len(claim["ring"]) for claim in found["claims"]} == set()
    assert len(found["claims"]) > 8
    assert {"completed", "disputed", "canceled", "approved"} <= set(found["states"].values())


def test_what_follows_from_changes_of_the_logs_is_what_the_browser_is_told() -> None:
    judge = Judge(HOME)
    changes = json.loads((HOME / "changes.json").read_text("utf-8"))
    assert {change["holds"] for change in changes} == {True, False}
    for change in changes:
        event = parse_base64(change["event"], "event")
        assert judge.holds(change["index"], event, change["claim"]) is change["holds"]


def test_its_checkpoints_are_signed_by_all_witnesses() -> None:
    found = json.loads((HOME / "expected.json").read_text("utf-8"))
    witnesses = [
        Witness(f"w{n}", parse_cosigner(vkey)) for n, vkey in enumerate(found["witnesses"])
    ]
    names = tuple(witness.name for witness in witnesses)
    quorum = Quorum((), tuple(witnesses), (Group("all", len(names), names),), "all")
    for log in ("events", "purchases"):
        note = (HOME / log / "checkpoint").read_bytes()
        verify_cosigned(note, *map(parse_vkey, found["vkeys"][log]), policy=quorum)


def test_they_can_be_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    made = json.loads((tmp_path / "acme" / "expected.json").read_text("utf-8"))
    kept = json.loads((HOME / "expected.json").read_text("utf-8"))
    assert made["closes"][0]["size"] == kept["closes"][0]["size"]
    assert [claim["index"] for claim in made["claims"]] == [
        claim["index"] for claim in kept["claims"]
    ]
