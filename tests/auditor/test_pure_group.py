"""P-256 without OpenSSL: the same group as with it, and nothing of OpenSSL in what it verifies."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.pure_group import PURE_P256
from cli.proof_json import statement_from_json
from commitments.domain import suite_name
from commitments.errors import FormatError, VerificationError
from commitments.generators import blinding_generator
from commitments.group import Group, IdentityPoint, Point
from commitments.p256 import P256
from tests.auditor.proven_log import claims, entries, partition
from tests.commitments.test_groups import P256_REJECTED, SMALL_X, p256_bytes
from tests.vectors.make import FILES, FOLDER
from tests.vectors.shared import KVITTO
from zk.verify import verify

ROOT = Path(__file__).parents[2]
Q = P256.order

scalars = st.one_of(
    st.integers(0, 20), st.integers(0, Q - 1), st.sampled_from([Q - 1, Q, Q + 1, 2 * Q, -1])
)
multiples = st.one_of(st.sampled_from([0, 1, 2, 3, Q - 1, Q - 2]), st.integers(0, Q - 1))


def encoded(group: Group, point: Point) -> bytes | None:
    return None if group.is_identity(point) else group.encode(point)


def both(multiple: int) -> tuple[Point, Point]:
    """The same point in both groups, or the identity."""
    point = P256.multiply(multiple, P256.generator)
    if P256.is_identity(point):
        return point, PURE_P256.subtract(PURE_P256.generator, PURE_P256.generator)
    return point, PURE_P256.decode(P256.encode(point))


def test_it_is_the_same_suite() -> None:
    """Else it would verify other statements."""
    for name in ("name", "hash_suite", "order", "point_size", "scalar_size"):
        assert getattr(PURE_P256, name) == getattr(P256, name)
    assert suite_name(PURE_P256) == suite_name(P256)
    assert PURE_P256.encode(PURE_P256.generator) == P256.encode(P256.generator)
    assert PURE_P256.encode(blinding_generator(PURE_P256)) == P256.encode(blinding_generator(P256))


@settings(max_examples=25)
@given(multiples, multiples)
def test_sums_differences_and_comparisons_are_the_same(one: int, two: int) -> None:
    left, right = both(one), both(two)
    for operation in ("add", "subtract"):
        theirs, ours = (
            encoded(group, getattr(group, operation)(left[i], right[i]))
            for i, group in enumerate((P256, PURE_P256))
        )
        assert theirs == ours
    assert PURE_P256.equal(left[1], right[1]) == P256.equal(left[0], right[0])
    assert PURE_P256.equal(left[1], left[1])
    assert encoded(PURE_P256, PURE_P256.negate(left[1])) == encoded(P256, P256.negate(left[0]))


@settings(max_examples=25)
@given(st.lists(st.tuples(scalars, multiples), max_size=20))
def test_sums_of_products_are_the_same(terms: list[tuple[int, int]]) -> None:
    factors = [scalar for scalar, _ in terms]
    points = [both(multiple) for _, multiple in terms]
    theirs = P256.sum_of_products(factors, [point for point, _ in points])
    ours = PURE_P256.sum_of_products(factors, [point for _, point in points])
    assert encoded(P256, theirs) == encoded(PURE_P256, ours)


@pytest.mark.parametrize("count", [1, 7, 8, 80])
def test_long_sums_and_what_cancels_in_a_bucket(count: int) -> None:
    """The same point, its negative and itself again meet in one bucket."""
    point = PURE_P256.multiply(5, PURE_P256.generator)
    points = [point, PURE_P256.negate(point), point] * count
    total = PURE_P256.sum_of_products([Q - 7] * len(points), points)
    assert PURE_P256.encode(total) == P256.encode(P256.multiply(-35 * count, P256.generator))
    with pytest.raises(ValueError, match="longer"):
        PURE_P256.sum_of_products([1], points)


@settings(max_examples=10)
@given(st.binary(max_size=40), st.binary(min_size=1, max_size=40))
def test_hashes_are_the_same(message: bytes, dst: bytes) -> None:
    ours, theirs = (group.hash_to_curve(message, dst) for group in (PURE_P256, P256))
    assert PURE_P256.encode(ours) == P256.encode(theirs)
    assert PURE_P256.hash_to_scalar(message, "dst") == P256.hash_to_scalar(message, "dst")


@pytest.mark.parametrize("data", P256_REJECTED.values(), ids=P256_REJECTED.keys())
def test_it_takes_nothing_but_compressed_points(data: bytes) -> None:
    fine = p256_bytes(2, SMALL_X)
    assert PURE_P256.encode(PURE_P256.decode(fine)) == fine
    with pytest.raises(FormatError):
        PURE_P256.decode(data)


def test_the_identity_is_never_written() -> None:
    identity = PURE_P256.sum_of_products([], [])
    assert PURE_P256.is_identity(identity)
    assert PURE_P256.is_identity(PURE_P256.multiply(Q, PURE_P256.generator))
    assert not PURE_P256.is_identity(PURE_P256.generator)
    assert not PURE_P256.equal(identity, PURE_P256.generator)
    with pytest.raises(IdentityPoint):
        PURE_P256.encode(identity)


@pytest.mark.parametrize("file", [FOLDER / FILES[P256], KVITTO], ids=["own", "shared"])
def test_it_accepts_and_refuses_the_proofs_of_the_vectors(file: Path) -> None:
    """Of each kind of expectation some; all of them would take a minute."""
    if not file.is_file():
        pytest.skip("not on this machine")
    content = json.loads(file.read_text("utf-8"))
    members = [bytes.fromhex(entry["commitment"]) for entry in content["purchases"]]
    accepted = [case for case in content["cases"] if case["expected"] == "accept"]
    cheats = [case for case in content["cases"] if case["name"].startswith("cheat: ")]
    assert len(accepted) >= 4
    assert len(cheats) >= 16
    for case in [*accepted[:3], *cheats[::8]]:
        statement = statement_from_json(case["statement"], PURE_P256, members)
        proof = bytes.fromhex(case["proof"])
        if case["expected"] == "accept":
            assert [tag.hex() for tag in verify(statement, proof).tags] == case.get("tags", [])
        else:
            with pytest.raises((FormatError, VerificationError)):
                verify(statement, proof)


_VERIFY = """
import pickle, sys
sys.modules["petlib"] = None  # cannot be imported
from auditor.proof_task import ProofTask
from auditor.proofs import check_proofs
from auditor.pure_group import PURE_P256
from ledger.purchases import Purchases
tasks, proofs, entries, partition = pickle.load(sys.stdin.buffer)
called = set()
def record(frame, what, function):
    module = function.__module__ if what == "c_call" else frame.f_globals.get("__name__")
    called.add(str(module).partition(".")[0])
sys.setprofile(record)
found = check_proofs(tasks, proofs.__getitem__, Purchases(entries), partition, group=PURE_P256)
sys.setprofile(None)
print([one.entries[0].index for one in found])
print(sorted(called & {"petlib", "cryptography", "_petlib", "_cffi_backend", "ssl", "_ssl"}))
print("ecdsa" in called, "commitments.p256" in sys.modules)
"""


def test_nothing_of_openssl_is_called_while_proofs_are_verified() -> None:
    """The logs' hashes and signatures are another matter: whose points they are is not theirs."""
    proven = list(claims()[:2])
    proven[1] = replace(proven[1], proof=proven[1].proof[:-1] + b"\0")
    given_ = (
        [one.task for one in proven],
        {one.task.index: one.proof for one in proven},
        entries(),
        partition(),
    )
    done = subprocess.run(
        [sys.executable, "-c", _VERIFY],
        input=pickle.dumps(given_),
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr.decode()
    false = proven[1].task.index
    assert done.stdout.decode().splitlines() == [f"[{false}]", "[]", "True False"]
