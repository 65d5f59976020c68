"""``kvitto proof``: what it prints, its exit status, and that bad input is never a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.conformance import run_vectors
from cli.main import app
from cli.proof_json import opening_from_json, read_json, statement_from_json
from commitments.bls12381 import BLS12381
from commitments.errors import FormatError
from commitments.p256 import P256
from tests.vectors.make import FILES, FOLDER

OWN = FOLDER / FILES[P256]
CONTENT: dict[str, Any] = json.loads(OWN.read_text("utf-8"))
CASES = {case["name"]: case for case in CONTENT["cases"]}
WARRANTY = CASES["warranty, ring of 17"]
MINE = CONTENT["purchases"][4]
SMALL = {**CONTENT, "cases": [WARRANTY, CASES["other context"]]}


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    result = CliRunner().invoke(app, ["proof", *map(str, arguments)])
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), "utf-8")
    return path


def with_ring_in_hex(
    statement: dict[str, Any], content: dict[str, Any] = CONTENT
) -> dict[str, Any]:
    ring = [content["purchases"][index]["commitment"] for index in statement["ring"]]
    return {**statement, "ring": ring}


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    return write(tmp_path / "statement.json", with_ring_in_hex(WARRANTY["statement"]))


@pytest.fixture
def opening(tmp_path: Path) -> Path:
    return write(tmp_path / "opening.json", MINE)


def test_vectors_prints_a_line_per_section_and_the_sum() -> None:
    status, out, _ = run("vectors", OWN)
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == f"generators: {len(CONTENT['generators'])} passed, 0 failed"
    assert len(lines) == len(CONTENT)  # the note has no line, the sum has one
    total = len(run_vectors(OWN, P256))
    assert lines[-1] == f"{total} passed, 0 failed"


def test_vectors_as_json() -> None:
    status, out, _ = run("vectors", OWN, "--json")
    summary = json.loads(out)
    assert status == 0
    assert summary["failed"] == 0
    assert summary["sections"]["cases"] == {"passed": len(CASES), "failed": 0}


def test_vectors_of_the_other_suite(tmp_path: Path) -> None:
    content = json.loads((FOLDER / FILES[BLS12381]).read_text("utf-8"))
    sections = {name: content[name] for name in ("generators", "transcript")}
    path = write(tmp_path / "vectors.json", sections)
    status, out, _ = run("vectors", path, "--suite", "BLS12381")
    assert (status, out.splitlines()[-1]) == (
        0,
        f"{len(sections['generators']) + 4} passed, 0 failed",
    )
    assert run("vectors", path)[0] == 1


def wrong_entries() -> dict[str, dict[str, Any]]:
    """The file with one wrong entry, for each section and way to be wrong."""

    def changed(section: str, number: int, **members: Any) -> dict[str, Any]:
        entries = list(SMALL[section])
        entries[number] = {**entries[number], **members}
        return {**SMALL, section: entries}

    other_scalar, other_point = "11" * 32, SMALL["purchases"][9]["commitment"]
    valid = {"name": "valid", "statement": WARRANTY["statement"]}
    tag = [other_point, *WARRANTY["tags"][1:]]
    transcript = SMALL["transcript"]
    proof = WARRANTY["proof"]
    return {
        "generator": {**SMALL, "generators": {**SMALL["generators"], "blinding": other_point}},
        "new generator": {**SMALL, "generators": {**SMALL["generators"], "x": "00" * 33}},
        "text": changed("text_scalars", 0, text="another"),
        "tag base": changed("tag_bases", 0, kind="secret"),
        "weights": changed("digits", 3, weights=[1, 2, 3]),
        "digits": changed("digits", 3, values={"5": [1, 1, 0]}),
        "session": {**SMALL, "transcript": {**transcript, "session_id": other_scalar}},
        "absorbed": {**SMALL, "transcript": {**transcript, "absorb": "00"}},
        "seed": changed("closes", 0, seed=other_scalar),
        "shuffle key": changed("shuffle_keys", 0, key="1"),
        "ring members": changed("rings", 2, members=1),
        "ring lane": changed("rings", 3, lane=0 if SMALL["rings"][3]["lane"] else 1),
        "ring void": changed("rings", 2, void=[]),
        "ring of capacity 0": changed("rings", 2, capacity=0),
        "purchase": changed("purchases", 17, serial=other_scalar),
        "request": changed("requests", 0, order="another"),
        "request shift": changed("requests", 0, t=other_scalar),
        "acceptance of another E": changed("acceptances", 0, blinded=other_point),
        "acceptance with other keys": changed("acceptances", 0, secret=other_scalar),
        "acceptance without its keys": changed("acceptances", 1, expected="accept"),
        "rejected acceptance accepts": changed(
            "acceptances", 1, origin=SMALL["transfers"][0]["body"]["origin"]
        ),
        "acceptance without a base": changed("acceptances", 1, base="no such acceptance"),
        "transfer with another context": changed("transfers", 0, context=other_scalar),
        "transfer with another scope": changed("transfers", 0, scope="transfer|a|b"),
        "transfer with a false acceptance": changed(
            "transfers",
            0,
            body={
                **SMALL["transfers"][0]["body"],
                "acceptance": SMALL["transfers"][1]["body"]["acceptance"],
            },
        ),
        "accepted case rejects": changed("cases", 0, proof=proof[:-1] + "0"),
        "rejected case accepts": changed(
            "cases", 1, **{k: WARRANTY[k] for k in ("statement", "encoded_statement_sha256")}
        ),
        "accepted with another tag": changed("cases", 0, tags=tag),
        "accepted without its tags": changed("cases", 0, tags=[]),
        "encoded statement": changed("cases", 0, encoded_statement_sha256=other_scalar),
        "shuffle key beyond the closes": changed("shuffle_keys", 0, entry=10**6),
        "ring of unknown purchases": changed(
            "cases", 1, statement={**WARRANTY["statement"], "ring": [99]}
        ),
        "base that is a list": changed("cases", 1, base=[]),
        "base is not accepted": changed("cases", 1, base="no such case"),
        "neither accept nor reject": changed("cases", 1, expected="maybe"),
        "rejected for a statement that cannot be read": changed("cases", 1, statement={}),
        "rejected for a proof that is no hex": changed("cases", 1, proof="zz"),
        "unknown member": changed("cases", 0, comment=""),
        "valid statement": {**SMALL, "invalid_statements": [valid]},
        "an entry that is none": {**SMALL, "closes": [*SMALL["closes"], None]},
        "a section that is none": {**SMALL, "digits": {}},
        "unknown section": {**SMALL, "blessings": []},
    }


WRONG = wrong_entries()


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_entry_is_a_failure_by_name(content: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "vectors.json", content)
    outcomes = run_vectors(path, P256)
    failed = [outcome for outcome in outcomes if outcome.problem]
    assert 0 < len(failed) < len(outcomes)


def test_failures_are_printed_by_name(tmp_path: Path) -> None:
    assert run("vectors", write(tmp_path / "vectors.json", SMALL))[0] == 0
    path = write(tmp_path / "vectors.json", WRONG["accepted case rejects"])
    failed = [outcome for outcome in run_vectors(path, P256) if outcome.problem]
    status, out, _ = run("vectors", path)
    assert status == 1
    assert out.splitlines()[-1].endswith(f", {len(failed)} failed")
    for outcome in failed:
        assert f"{outcome.section}: {outcome.name}: {outcome.problem}" in out
    status, out, _ = run("vectors", path, "--json")
    assert status == 1
    assert [f["name"] for f in json.loads(out)["failures"]] == [f.name for f in failed]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"1", b"{", b'{"a":1.5}', b'{"note":"","note":""}', b"\xff", b"[" * 10**5]
)
def test_a_file_that_is_no_vector_file_exits_2(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vectors.json"
    path.write_bytes(data)
    status, out, err = run("vectors", path)
    assert (status, out) == (2, "")
    assert err
    status, out, _ = run("vectors", path, "--json")
    assert status == 2
    assert json.loads(out)["error"]


def test_a_file_without_any_entry_proves_nothing(tmp_path: Path) -> None:
    status, out, _ = run("vectors", write(tmp_path / "vectors.json", {"note": ""}))
    assert (status, out) == (1, "0 passed, 0 failed\n")


def test_prove_then_verify(statement: Path, opening: Path, tmp_path: Path) -> None:
    status, out, _ = run("prove", statement, opening)
    assert status == 0
    (proof,) = out.splitlines()
    assert len(proof) == len(WARRANTY["proof"])
    tags = "".join(f"{tag}\n" for tag in WARRANTY["tags"])
    raw, hexed, line = (tmp_path / name for name in ("raw", "hex", "line"))
    raw.write_bytes(bytes.fromhex(proof))
    hexed.write_text(proof)
    line.write_text(proof + "\n")
    for given_as in (proof, WARRANTY["proof"], raw, hexed, line):
        assert run("verify", statement, given_as) == (0, tags, "")
    status, out, _ = run("verify", statement, proof, "--json")
    assert (status, json.loads(out)) == (0, {"tags": WARRANTY["tags"]})
    status, out, _ = run("prove", statement, opening, "--json")
    assert status == 0
    assert run("verify", statement, json.loads(out)["proof"])[0] == 0


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c["expected"] == "reject" and c["proof"]]
)
def test_verify_refuses_every_rejected_case(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = write(tmp_path / "statement.json", with_ring_in_hex(case["statement"]))
    status, out, err = run("verify", path, case["proof"])
    assert (status, out) == (1, "")
    assert err.startswith("error: rejected: ")
    status, out, _ = run("verify", path, case["proof"], "--json")
    assert status == 1
    assert json.loads(out)["error"]["message"].startswith("rejected: ")


@pytest.mark.parametrize(
    ("predicate", "advice"),
    [
        ({"kind": "range", "lo": 0, "hi": 20_300}, "date is 108 above 20300"),
        ({"kind": "range", "lo": 20_500, "hi": 20_600}, "date is 92 below 20500"),
        ({"kind": "equals", "value": "00" * 32}, "date is another than the statement's"),
        (
            {"kind": "one_of", "values": ["00" * 32, "00" * 31 + "01"]},
            "date is none of the 2 allowed",
        ),
    ],
)
def test_prove_says_which_predicate_fails_and_by_how_much(
    predicate: dict[str, Any], advice: str, statement: Path, opening: Path, tmp_path: Path
) -> None:
    assert run("prove", statement, opening)[0] == 0
    changed = with_ring_in_hex(
        {**WARRANTY["statement"], "predicates": [{"attribute": "date", **predicate}]}
    )
    path = write(tmp_path / "other.json", changed)
    assert run("prove", path, opening) == (1, "", f"error: {advice}\n")
    status, out, _ = run("prove", path, opening, "--json")
    assert (status, json.loads(out)["error"]["message"]) == (1, advice)


def test_prove_with_a_purchase_outside_the_ring(statement: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.json", CONTENT["purchases"][17])
    status, out, err = run("prove", statement, other)
    assert (status, out) == (1, "")
    assert "not in the ring" in err


def test_a_transfer_is_proven_with_beta_beside_the_opening(tmp_path: Path) -> None:
    case = CASES["a transfer, ring of 17"]
    path = write(tmp_path / "statement.json", with_ring_in_hex(case["statement"]))
    own = write(tmp_path / "own.json", {**MINE, "beta": case["beta"]})
    status, proof, _ = run("prove", path, own)
    assert status == 0
    assert run("verify", path, proof.strip()) == (0, f"{case['tags'][0]}\n", "")
    for name, members in {
        "none": MINE,
        "another": {**MINE, "beta": "11" * 32},
    }.items():
        status, out, err = run("prove", path, write(tmp_path / f"{name}.json", members))
        assert (status, out) == (1, "")
        assert "beta" in err
    status, out, err = run("prove", path, write(tmp_path / "none.json", {**MINE, "beta": 5}))
    assert (status, out) == (2, "")
    assert "beta" in err


def test_the_second_suite(tmp_path: Path) -> None:
    content = json.loads((FOLDER / FILES[BLS12381]).read_text("utf-8"))
    case = next(c for c in content["cases"] if c["name"] == "ring of one, a secret tag")
    path = write(tmp_path / "statement.json", with_ring_in_hex(case["statement"], content))
    status, out, _ = run("verify", path, case["proof"], "--suite", "BLS12381")
    assert (status, out.split()) == (0, case["tags"])
    assert run("verify", path, case["proof"])[0] == 2  # points of another group
    mine = write(tmp_path / "opening.json", content["purchases"][2])
    status, out, _ = run("prove", path, mine, "--suite", "BLS12381")
    assert (status, len(out.strip())) == (0, len(case["proof"]))


UNREADABLE: dict[str, Any] = {
    "no object": [],
    "missing member": {k: v for k, v in WARRANTY["statement"].items() if k != "lane"},
    "unknown member": {**WARRANTY["statement"], "comment": ""},
    "bool as number": {**WARRANTY["statement"], "first": False},
    "text as number": {**WARRANTY["statement"], "first": "0"},
    "null as number": {**WARRANTY["statement"], "lane": None},
    "negative": {**WARRANTY["statement"], "lane": -1},
    "number as text": {**WARRANTY["statement"], "origin": 5},
    "root in upper case": {**WARRANTY["statement"], "root": "AB" * 32},
    "ring of indices": {**WARRANTY["statement"], "ring": [0, 1]},
    "ring that is text": {**WARRANTY["statement"], "ring": "ab"},
    "ring of no points": {**WARRANTY["statement"], "ring": ["00" * 33]},
    "predicates that are an object": {**WARRANTY["statement"], "predicates": {}},
    "predicate that is text": {**WARRANTY["statement"], "predicates": ["date"]},
    "predicate without a kind": {**WARRANTY["statement"], "predicates": [{"attribute": "date"}]},
    "predicate with two kinds": {
        **WARRANTY["statement"],
        "predicates": [{"attribute": "date", "kind": "range", "lo": 0, "hi": 1, "value": "00"}],
    },
    "kind that is a list": {
        **WARRANTY["statement"],
        "predicates": [{"attribute": "date", "kind": []}],
    },
    "scope that is text": {**WARRANTY["statement"], "scopes": ["serial"]},
    "scope without NFC": {
        **WARRANTY["statement"],
        "scopes": [{"kind": "serial", "scope": "e\u0301"}],
    },
    "scope with a lone surrogate": {
        **WARRANTY["statement"],
        "scopes": [{"kind": "serial", "scope": "\ud800"}],
    },
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_statement_that_cannot_be_read_exits_2_and_names_the_field(
    value: Any, opening: Path, statement: Path, tmp_path: Path
) -> None:
    assert run("verify", statement, WARRANTY["proof"])[0] == 0
    if isinstance(value, dict) and value.get("ring") == WARRANTY["statement"]["ring"]:
        value = with_ring_in_hex(value)
    with pytest.raises(FormatError) as caught:
        statement_from_json(value, P256)
    assert caught.value.field
    path = write(tmp_path / "other.json", value)
    for status, out, err in (run("verify", path, "00"), run("prove", path, opening)):
        assert (status, out) == (2, "")
        assert caught.value.field in err


@pytest.mark.parametrize(
    "change",
    [
        {"serial": "00"},
        {"serial": 5},
        {"secret": P256.order.to_bytes(32, "big").hex()},
        {"commitment": CONTENT["purchases"][5]["commitment"]},
        {"commitment": ""},
        {"attributes": []},
        {"attributes": {**MINE["attributes"], "price": "ff" * 32}},
        {"attributes": {**MINE["attributes"], "date": "00" * 27 + "0100000000"}},
        {"attributes": {k: v for k, v in MINE["attributes"].items() if k != "unit"}},
        {"more": 1},
    ],
)
def test_an_opening_that_cannot_be_read_exits_2(
    change: dict[str, Any], statement: Path, opening: Path, tmp_path: Path
) -> None:
    assert run("prove", statement, opening)[0] == 0
    value = {**MINE, **change}
    with pytest.raises(FormatError) as caught:
        opening_from_json(value, P256)
    assert caught.value.field
    status, out, err = run("prove", statement, write(tmp_path / "other.json", value))
    assert (status, out) == (2, "")
    assert MINE["serial"] not in err


@pytest.mark.parametrize("proof", ["", "0", "zz", "AB", " 01", "no/such/file", "a" * 5000 + "g"])
def test_a_proof_that_is_neither_hex_nor_a_file_exits_2(proof: str, statement: Path) -> None:
    assert run("verify", statement, WARRANTY["proof"])[0] == 0
    status, out, err = run("verify", statement, proof)
    assert (status, out) == (2, "")
    assert err


def test_missing_files_and_folders_exit_2(statement: Path, opening: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    for arguments in (
        ("vectors", missing),
        ("vectors", tmp_path),
        ("prove", missing, opening),
        ("prove", statement, missing),
        ("prove", statement, tmp_path),
        ("verify", missing, "00"),
        ("verify", statement, tmp_path),
        ("verify", statement),
        ("verify", statement, "00", "--suite", "P-256"),
    ):
        assert run(*arguments)[0] == 2
    assert run("prove", statement, opening)[0] == 0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["00" * 32]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
VALID = with_ring_in_hex(WARRANTY["statement"])


@given(st.sampled_from(sorted(VALID)), anything)
def test_whatever_stands_in_a_statement_it_is_read_or_refused(member: str, value: Any) -> None:
    assert statement_from_json(VALID, P256).encode()
    data = json.dumps({**VALID, member: value}).encode()
    try:
        claim = statement_from_json(read_json(data, "file"), P256)
    except FormatError:
        return
    assert claim.encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(section=st.sampled_from(sorted(set(CONTENT) - {"note"})), value=anything)
def test_whatever_stands_in_a_section_is_a_failure_or_passes(
    section: str, value: Any, tmp_path: Path
) -> None:
    path = write(tmp_path / "vectors.json", {section: value})
    for outcome in run_vectors(path, P256):
        assert outcome.section == section
        assert outcome.problem
