"""``kvitto-v01.json``, made from the protocol's text by an implementation that is not this one."""

from cli.conformance import run_vectors
from cli.proof_json import statement_from_json
from commitments.p256 import P256
from tests.vectors.shared import KVITTO, load, needs_kvitto
from tests.zk.reference import Malformed, encode, false_equations

pytestmark = needs_kvitto

CHEATS = {  # which equation stops it, as the file's ``why`` has it in words
    "a tag from another serial": ["tag/0"],
    "a secret-scope tag from another secret": ["tag/1"],
    "shows a date that it does not have, range": ["V/date"],
    "shows and says another date": ["T"],
    "shows another product, one_of": ["V/product"],
    "product outside the set": ["member/product"],
    "commitment outside the ring": ["member/ring"],
    "the average of two purchases": ["digits/ring"],
    "a digit that is two": ["ranges"],
    "date out of the range": ["ranges"],
    "claims another secret": ["T"],
    "shows a price that it does not have": ["V/price"],
    "a third tag from another serial": ["tag/2"],
    "a product between two of the set": ["digits/product"],
    "errors that cancel": ["T", "V/date"],
    "errors that cancel across parts": ["T", "tag/1"],
}


def test_every_entry_passes() -> None:
    outcomes = run_vectors(KVITTO, P256)
    assert [outcome for outcome in outcomes if outcome.problem] == []
    assert {outcome.section for outcome in outcomes} == load(KVITTO).keys() - {"note"}
    assert len(outcomes) > 200


def test_the_reference_verifier_agrees_on_every_case() -> None:
    content = load(KVITTO)
    members = [bytes.fromhex(entry["commitment"]) for entry in content["purchases"]]
    cheats = {}
    for case in content["cases"]:
        claim = statement_from_json(case["statement"], P256, members)
        assert encode(claim) == claim.encode()
        try:
            broken = false_equations(claim, bytes.fromhex(case["proof"]))
        except Malformed:
            broken = ["malformed"]
        assert (broken == []) == (case["expected"] == "accept"), case["name"]
        if case["name"].startswith("cheat: "):
            cheats[case["name"].removeprefix("cheat: ")] = broken
    assert cheats == CHEATS
