"""``kvitto audit`` and ``kvitto log verify-evidence``: what they say, and with which status."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.auditing import alone
from commitments.wire import canonical_json, parse_json
from ledger.note import Signer
from tests.auditor.shown_logs import ShownMerchantLogs
from tests.auditor.told import Told, told_story
from tests.cli.terminal import Terminal, running_service
from tests.databases import Sqlite
from tests.ledger.served import Files
from tests.world import ORIGIN


@pytest.fixture(scope="module")
def told(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told_story(sqlite, tmp_path_factory.mktemp("told"))


@pytest.fixture
def auditor(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def audit(auditor: Terminal, place: Path | str, *more: str | Path, status: int = 0) -> Any:
    mirror = auditor.directory / "mirror"
    return auditor.json("audit", place, "--mirror", mirror, *more, status=status)


def audit_one(auditor: Terminal, place: Path | str, *more: str | Path, status: int = 0) -> Any:
    (merchant,) = audit(auditor, place, *more, status=status)["merchants"]
    return merchant


def lying(told: Told, directory: Path, merchant: str = "acme") -> Path:
    logs = told.logs
    lie = logs.changed(logs.find("ownership.retired"), lambda e: {**e, "secret": "01" * 32})
    return told.write(lie, directory, merchant)


def test_an_honest_merchant(auditor: Terminal, told: Told) -> None:
    said = audit(auditor, told.exported)
    assert said["place"] == str(told.exported)
    (merchant,) = said["merchants"]
    assert merchant["origin"] == ORIGIN
    assert merchant["error"] is None
    assert merchant["disagreements"] == merchant["evidence"] == []
    assert merchant["events"]["size"] == merchant["checked"]["events"] == 63
    assert merchant["checked"]["proofs"] == 11
    assert merchant["trusted_on_first_use"].startswith(f"{ORIGIN}/events+")
    again = audit_one(auditor, told.exported)
    assert again["trusted_on_first_use"] is None
    assert (again["checked"]["proofs"], again["checked"]["proofs_known"]) == (0, 11)
    # a mirror is a place like any other
    copied = auditor.directory / "copied"
    shutil.move(auditor.directory / "mirror", copied)
    assert audit_one(auditor, copied)["checked"]["proofs"] == 11
    auditor.json("log", "import", copied, "--data", auditor.directory / "data")


def test_people_are_told_the_same(auditor: Terminal, told: Told, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shown = auditor.run("audit", told.exported, "--mirror", mirror).stdout
    assert "63 entries" in shown
    assert "11 verified" in shown
    assert "holds      yes" in shown
    place = lying(told, tmp_path / "place")
    shown = auditor.run(
        "audit", place, "--mirror", tmp_path / "b", "--key", told.key.vkey, status=1
    ).stdout
    assert "does not hold: 1" in shown
    assert "wrong-secret" in shown
    assert "holds  " not in shown


def test_a_broken_rule_and_its_evidence(auditor: Terminal, told: Told, tmp_path: Path) -> None:
    place, key = lying(told, tmp_path / "place"), ("--key", told.key.vkey)
    merchant = audit_one(auditor, place, *key, "--evidence", tmp_path / "evidence", status=1)
    (found,) = merchant["disagreements"]
    assert found["rule"] == "wrong-secret"
    (path,) = merchant["evidence"]
    assert Path(path).parent == tmp_path / "evidence" / "acme"
    said = auditor.json("log", "verify-evidence", path, *key)
    assert {name: said[name] for name in found} == found
    assert "wrong-secret" in auditor.run("log", "verify-evidence", path, *key).stdout
    # nothing is overwritten
    Path(path).write_bytes(b"mine")
    assert audit_one(auditor, place, *key, status=1)["evidence"] == [
        str(tmp_path / "mirror/acme/evidence" / Path(path).name)
    ]
    audit_one(auditor, place, *key, "--evidence", tmp_path / "evidence", status=1)
    assert Path(path).read_bytes() == b"mine"
    error = auditor.error("log", "verify-evidence", path, *key, status=2)
    assert error["type"] == "malformed"


def test_evidence_against_somebody_else(auditor: Terminal, told: Told, tmp_path: Path) -> None:
    place, key = lying(told, tmp_path / "place"), ("--key", told.key.vkey)
    (path,) = audit_one(auditor, place, *key, status=1)["evidence"]
    other = Signer(told.key.name, b"o" * 32).verifier.vkey
    error = auditor.error("log", "verify-evidence", path, "--key", other, status=1)
    assert error["type"] == "not-verified"


def test_evidence_that_cannot_be_made_is_not_tried_for_ever(
    auditor: Terminal, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr("cli.auditing.gather", lambda *_: tried.append(1))
    unknown = [{"type": "claim.praised"}] * 25
    place = told.write(told.logs.and_then(*unknown), tmp_path / "place")
    merchant = audit_one(auditor, place, "--key", told.key.vkey, status=1)
    assert [len(merchant["disagreements"]), len(tried), merchant["evidence"]] == [25, 20, []]


def test_findings_count_when_asked(auditor: Terminal, told: Told) -> None:
    severities = {f["severity"] for f in audit_one(auditor, told.exported)["findings"]}
    assert severities == {"notice"}
    audit(auditor, told.exported, "--fail-on", "warning")
    audit(auditor, told.exported, "--fail-on", "notice", status=1)


# ---- what cannot be audited

Change = Callable[[Files], Files]
HONEST = ShownMerchantLogs()


def publish(auditor: Terminal, files: Files, merchant: str = "acme") -> Path:
    """The files of a merchant in a directory, instead of what was there."""
    place = auditor.directory / "place"
    shutil.rmtree(place / merchant, ignore_errors=True)
    about = {"id": merchant, "name": "Acme", "origin": ORIGIN}
    shown = {p.removeprefix("logs/acme/"): d for p, d in files.items() if p.startswith("logs/")}
    for path, content in {**shown, "merchant.json": canonical_json(about)}.items():
        (place / merchant / path).parent.mkdir(parents=True, exist_ok=True)
        (place / merchant / path).write_bytes(content)
    return place


def test_a_fork_is_proven(auditor: Terminal) -> None:
    audit(auditor, publish(auditor, HONEST.files(300, 1)))
    forked = publish(auditor, ShownMerchantLogs(forked_purchases=290).files(700, 1))
    merchant = audit_one(auditor, forked, status=5)
    assert merchant["error"]["type"] == "forked"
    (proof,) = merchant["evidence"]
    assert Path(proof).name == "purchases.fork"
    key = HONEST.purchases.signers[0].verifier.vkey
    auditor.json("log", "verify-fork", proof, "--key", key)
    assert audit_one(auditor, forked, status=5)["evidence"] == [proof]


@pytest.mark.parametrize(
    ("path", "content", "status", "kind"),
    [
        ("purchases/checkpoint", None, 4, "not-served"),
        ("purchases/tile/0/001", None, 4, "not-served"),
        ("purchases/tile/0/001", b"x" * 8192, 1, "not-verified"),
        ("purchases/tile/entries/001", b"x", 1, "not-verified"),
        ("purchases/checkpoint", b"junk", 1, "malformed"),
        ("keys.json", b"{}", 1, "malformed"),
        ("merchant.json", b"{}", 1, "malformed"),
    ],
)
def test_what_does_not_come_or_does_not_hold(
    auditor: Terminal, path: str, content: bytes | None, status: int, kind: str
) -> None:
    place = publish(auditor, HONEST.files(700, 1))
    if content is None:
        (place / "acme" / path).unlink()
    else:
        (place / "acme" / path).write_bytes(content)
    merchant = audit_one(auditor, place, status=status)
    assert merchant["error"]["type"] == kind
    assert "disagreements" not in merchant


def test_who_lies_does_not_stop_the_audit_of_others(
    auditor: Terminal, told: Told, tmp_path: Path
) -> None:
    place = publish(auditor, HONEST.files(700, 1), "alpha")
    (place / "alpha/keys.json").unlink()
    shutil.copytree(told.exported / "acme", place / "acme")
    acme, alpha = audit(auditor, place, status=4)["merchants"]
    assert alpha["error"]["type"] == "not-served"
    assert acme["disagreements"] == []
    audit_one(auditor, place, "--merchant", "acme")
    shutil.rmtree(place / "acme")
    shutil.rmtree(tmp_path / "mirror")
    lying(told, place)
    statuses = audit(auditor, place, "--key", told.key.vkey, status=1)  # 1 before 4
    assert [each["error"] is None for each in statuses["merchants"]] == [True, False]


def test_who_is_not_listed_any_more_is_missed(auditor: Terminal, told: Told) -> None:
    place = auditor.directory / "place"
    shutil.copytree(told.exported / "acme", place / "acme")
    audit_one(auditor, place)
    shutil.move(place / "acme", auditor.directory / "withdrawn")
    publish(auditor, HONEST.files(20, 1), "alpha")
    alpha, acme = audit(auditor, place, status=1)["merchants"]
    assert alpha["error"] is None
    assert "not listed any more" in acme["error"]["message"]
    audit_one(auditor, place, "--merchant", "alpha")


def test_a_mistake_of_ours_does_not_either(
    auditor: Terminal, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Perhaps somebody has found a log that makes one."""

    def stumble(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("auditor.audit.find_all", stumble)
    merchant = audit_one(auditor, told.exported, status=1)
    assert merchant["error"]["type"] == "internal"
    assert "secret" not in merchant["error"]["message"]
    mirror = auditor.directory / "mirror"
    shown = auditor.run("audit", told.exported, "--mirror", mirror, status=1).stdout
    assert "a mistake of this program" in shown


def test_one_audit_at_a_time(auditor: Terminal, told: Told) -> None:
    home = auditor.directory / "mirror"
    command = ("audit", told.exported, "--mirror", home)
    with alone(home):
        assert auditor.error(*command, status=1)["type"] == "failure"
    auditor.run(*command)


def test_wrong_usage(auditor: Terminal, told: Told, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    place = str(told.exported)
    other = Signer("ledger.example/other/events", b"o" * 32).verifier.vkey
    for arguments, status, kind in (
        (["audit", "http://127.0.0.1:1"], 4, "log-unreachable"),
        (["audit", str(tmp_path / "nowhere")], 2, "unreadable"),
        (["audit", str(tmp_path / "empty")], 1, "failure"),
        (["audit", place, "--merchant", "other"], 1, "failure"),
        (["audit", place, "--mirror", place], 2, "usage"),
        (["audit", place, "--key", "junk"], 2, "malformed"),
        (["audit", place, "--key", other], 1, "failure"),
        (["audit", place, "--engine", "other"], 2, "usage"),
        (["audit", place, "--sample", "-1"], 2, "usage"),
        (["audit", place, "--jobs", "0"], 2, "usage"),
        (["audit", place, "--quorum", str(tmp_path / "none")], 2, "unreadable"),
    ):
        assert auditor.error(*arguments, status=status)["type"] == kind


def test_a_running_service(auditor: Terminal, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    with running_service(tmp_path / "service") as url:
        shop = Terminal(tmp_path, {"KVITTO_URL": url, "KVITTO_OPERATOR_KEY": "op" * 16})
        shop.json("merchant", "create", "acme", "--name", "A shop", "--period", "manual")
        merchant = audit_one(auditor, url)
    assert (merchant["events"]["size"], merchant["disagreements"]) == (1, [])
    assert json.loads((tmp_path / "mirror/acme/merchant.json").read_bytes())["name"] == "A shop"
    assert parse_json((tmp_path / "mirror/acme/audit.json").read_bytes())["version"] == 1
