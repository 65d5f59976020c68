"""The project's own vectors: what this release does, frozen (tests/vectors/make.py)."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cli.conformance import run_vectors
from cli.proof_json import statement_from_json
from commitments.bls12381 import BLS12381
from commitments.group import Group
from commitments.p256 import P256
from tests.vectors.make import FILES, FOLDER, text_of
from tests.zk.reference import Malformed, false_equations
from zk.verify import proof_size, verify

GROUPS = pytest.mark.parametrize("group", [P256, BLS12381], ids=["p256", "bls12381"])

BROKEN = {  # the equations that each cheat breaks
    "a tag from another serial": ["tag/0"],
    "a secret-scope tag from another secret": ["tag/1"],
    "a third tag from another serial": ["tag/2"],
    "shows a date that it does not have, range": ["V/date"],
    "shows a price that it does not have": ["V/price"],
    "shows another product, one_of": ["V/product"],
    "shows and says another date": ["T"],
    "claims another secret": ["T"],
    "product outside the set": ["member/product"],
    "commitment outside the ring": ["member/ring"],
    "the average of two purchases": ["digits/ring"],
    "a product between two of the set": ["digits/product"],
    "a digit that is two": ["ranges"],
    "date out of the range": ["ranges"],
    "errors that cancel": ["T", "V/date"],
    "errors that cancel across parts": ["T", "tag/1"],
    "hands over a later date": ["E"],
    "hands over a higher price": ["E"],
    "hands over another serial": ["E"],
    "hands over its secret too": ["E"],
    "hands over another purchase": ["E"],
    "hands over with the tag of another secret": ["tag/0"],
    "hands over with another secret": ["T", "E"],
    "hands over what it has no longer": ["member/ring"],
    "errors of T and E that cancel": ["T", "E"],
}


def content(group: Group) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / FILES[group]).read_text("utf-8"))
    return loaded


def commitments(group: Group) -> Sequence[bytes]:
    return [bytes.fromhex(entry["commitment"]) for entry in content(group)["purchases"]]


@GROUPS
def test_every_entry_passes(group: Group) -> None:
    outcomes = run_vectors(FOLDER / FILES[group], group)
    assert [outcome for outcome in outcomes if outcome.problem] == []
    sections = content(group)
    assert {outcome.section for outcome in outcomes} == sections.keys() - {"note"}
    entries = {name: len(value) for name, value in sections.items() if name != "note"}
    assert len(outcomes) == sum({**entries, "transcript": 4}.values())


def test_frozen_proofs_still_verify() -> None:
    members = commitments(P256)
    cases = [case for case in content(P256)["cases"] if case["expected"] == "accept"]
    assert len(cases) == 6
    for case in cases:
        claim = statement_from_json(case["statement"], P256, members)
        proof = bytes.fromhex(case["proof"])
        assert len(proof) == proof_size(claim)
        assert [tag.hex() for tag in verify(claim, proof).tags] == case.get("tags", [])


@GROUPS
def test_making_the_file_again_gives_the_same_bytes(group: Group) -> None:
    """A difference is a change of the protocol, or a generator that is not deterministic."""
    assert (FOLDER / FILES[group]).read_text("utf-8") == text_of(group)


def test_each_cheat_breaks_the_equations_that_it_says() -> None:
    members = commitments(P256)
    found = {}
    for case in content(P256)["cases"]:
        if case["name"].startswith("cheat: "):
            claim = statement_from_json(case["statement"], P256, members)
            name = case["name"].removeprefix("cheat: ")
            found[name] = false_equations(claim, bytes.fromhex(case["proof"]))
    assert found == BROKEN


def test_every_kind_and_ring_size_occurs() -> None:
    cases = [case for case in content(P256)["cases"] if case["expected"] == "accept"]
    kinds = {p["kind"] for case in cases for p in case["statement"]["predicates"]}
    assert kinds == {"equals", "range", "one_of"}
    assert {len(case["statement"]["ring"]) for case in cases} == {1, 2, 5, 17}
    assert {s["kind"] for case in cases for s in case["statement"]["scopes"]} == {
        "serial",
        "secret",
    }


@pytest.mark.parametrize("name", ["head point: not of the subgroup", "head point: of order three"])
def test_points_outside_the_subgroup_are_refused_before_any_equation(name: str) -> None:
    (case,) = (case for case in content(BLS12381)["cases"] if case["name"] == name)
    claim = statement_from_json(case["statement"], BLS12381, commitments(BLS12381))
    with pytest.raises(Malformed):
        false_equations(claim, bytes.fromhex(case["proof"]))
