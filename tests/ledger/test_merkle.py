from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.merkle import (
    EMPTY_ROOT,
    build_consistency,
    build_inclusion,
    build_multiproof,
    build_root,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_multiproof,
)
from tests.ledger import reference
from tests.ledger.memory_log import LeafReader

# The inputs and roots that the first implementations of RFC 6962 were tested with.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

SMALL = range(1, 20)
ENTRIES = [n.to_bytes(2, "big") for n in range(300)]
READER = LeafReader(leaf_hash(entry) for entry in ENTRIES)

sizes = st.integers(1, len(ENTRIES))


@pytest.mark.parametrize("size", range(len(CT_ROOTS)))
def test_known_roots(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in CT_LEAVES[:size]]
    assert root_of(leaves).hex() == CT_ROOTS[size]
    assert build_root(LeafReader(leaves), size).hex() == CT_ROOTS[size]


def test_the_reference_agrees_with_the_known_roots() -> None:
    assert [reference.mth(CT_LEAVES[:n]).hex() for n in range(9)] == CT_ROOTS


@pytest.mark.parametrize("size", SMALL)
def test_inclusion_proofs_are_those_of_the_rfc(size: int) -> None:
    entries = ENTRIES[:size]
    root = reference.mth(entries)
    for index in range(size):
        proof = build_inclusion(READER, index, size)
        assert proof == reference.path(index, entries)
        verify_inclusion(leaf_hash(entries[index]), index, size, proof, root)


@pytest.mark.parametrize("size", SMALL)
def test_consistency_proofs_are_those_of_the_rfc(size: int) -> None:
    root = reference.mth(ENTRIES[:size])
    for old in range(1, size + 1):
        proof = build_consistency(READER, old, size)
        assert proof == reference.proof(old, ENTRIES[:size])
        verify_consistency(old, reference.mth(ENTRIES[:old]), size, root, proof)


@pytest.mark.parametrize("size", range(1, 10))
def test_multiproofs_of_every_set_of_leaves(size: int) -> None:
    entries = ENTRIES[:size]
    root = reference.mth(entries)
    for chosen in range(1, 1 << size):
        wanted = {index for index in range(size) if chosen >> index & 1}
        proof = build_multiproof(READER, wanted, size)
        assert proof == reference.multiproof(wanted, entries)
        verify_multiproof({i: leaf_hash(entries[i]) for i in wanted}, size, root, proof)


def mutations(proof: list[bytes]) -> list[list[bytes]]:
    """One hash changed, left out, added, cut or doubled, and neighbours swapped."""
    changed = [
        [*proof[:place], bytes([proof[place][0] ^ 1]) + proof[place][1:], *proof[place + 1 :]]
        for place in range(len(proof))
    ]
    left_out = [proof[:place] + proof[place + 1 :] for place in range(len(proof))]
    added = [[*proof, EMPTY_ROOT], [EMPTY_ROOT, *proof], [*proof, b""]]
    moved = []  # 31 + 33 bytes hash like 32 + 32
    for place, (left, right) in enumerate(pairwise(proof)):
        if left != right:
            moved.append([*proof[:place], right, left, *proof[place + 2 :]])
        moved.append([*proof[:place], left + right[:1], right[1:], *proof[place + 2 :]])
    return changed + left_out + added + moved


@given(sizes, st.data())
def test_every_mutation_of_an_inclusion_proof_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, root = READER.leaves[index], build_root(READER, size)
    proof = build_inclusion(READER, index, size)
    verify_inclusion(leaf, index, size, proof, root)
    for mutated in mutations(proof):
        with pytest.raises(VerificationError, match="inclusion proof"):
            verify_inclusion(leaf, index, size, mutated, root)
    for other in {index - 1, index + 1, size, -1} - {index}:
        with pytest.raises(VerificationError, match="inclusion proof"):
            verify_inclusion(leaf, other, size, proof, root)
    with pytest.raises(VerificationError, match="another root"):
        verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    with pytest.raises(VerificationError, match="another root"):
        verify_inclusion(leaf, index, size, proof, EMPTY_ROOT)


def test_a_node_is_not_taken_for_a_leaf() -> None:
    root = root_of(READER.leaves[:4])
    inner = node_hash(READER.leaves[0], READER.leaves[1])
    proof = build_inclusion(READER, 0, 4)
    verify_inclusion(READER.leaves[0], 0, 4, proof, root)
    with pytest.raises(VerificationError):
        verify_inclusion(inner, 0, 4, proof[1:], root)


@given(sizes, st.data())
def test_every_mutation_of_a_consistency_proof_fails(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    old_root, root = build_root(READER, old), build_root(READER, size)
    proof = build_consistency(READER, old, size)
    verify_consistency(old, old_root, size, root, proof)
    for mutated in mutations(proof):
        with pytest.raises(VerificationError, match="consistency proof"):
            verify_consistency(old, old_root, size, root, mutated)
    for false_old, false_new in ((EMPTY_ROOT, root), (old_root, EMPTY_ROOT)):
        with pytest.raises(VerificationError, match="another root"):
            verify_consistency(old, false_old, size, false_new, proof)


def test_consistency_at_the_ends() -> None:
    root = build_root(READER, 7)
    verify_consistency(0, EMPTY_ROOT, 7, root, build_consistency(READER, 0, 7))
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    verify_consistency(7, root, 7, root, build_consistency(READER, 7, 7))
    for old, old_root, new, new_root, proof in [
        (0, root, 7, root, []),  # the empty tree has one root
        (0, EMPTY_ROOT, 0, root, []),
        (0, EMPTY_ROOT, 7, root, [root]),
        (7, root, 7, EMPTY_ROOT, []),  # two trees of one size
        (7, root, 7, root, [root]),
        (7, root, 6, build_root(READER, 6), []),  # the log has shrunk
        (-1, root, 7, root, []),
    ]:
        with pytest.raises(VerificationError, match="consistency proof"):
            verify_consistency(old, old_root, new, new_root, proof)


@given(sizes, st.data())
def test_every_mutation_of_a_multiproof_fails(size: int, data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20))
    leaves = {index: READER.leaves[index] for index in wanted}
    root = build_root(READER, size)
    proof = build_multiproof(READER, wanted, size)
    verify_multiproof(leaves, size, root, proof)
    for mutated in mutations(proof):
        with pytest.raises(VerificationError, match="multiproof"):
            verify_multiproof(leaves, size, root, mutated)
    for index in wanted:
        with pytest.raises(VerificationError, match="another root"):
            verify_multiproof(leaves | {index: leaf_hash(b"another")}, size, root, proof)
        with pytest.raises(VerificationError, match="32 bytes"):
            verify_multiproof(leaves | {index: leaves[index] + b"\0"}, size, root, proof)
        fewer = {other: leaf for other, leaf in leaves.items() if other != index}
        with pytest.raises(VerificationError, match="multiproof"):
            verify_multiproof(fewer, size, root, proof)


@given(st.integers(2, len(ENTRIES)), st.data())
def test_a_multiproof_does_not_prove_other_indices(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 2))
    proof = build_multiproof(READER, [index], size)
    root = build_root(READER, size)
    verify_multiproof({index: READER.leaves[index]}, size, root, proof)
    for other in (index + 1, size, -1):
        with pytest.raises(VerificationError, match="multiproof"):
            verify_multiproof({other: READER.leaves[index]}, size, root, proof)


def test_what_is_not_there_cannot_be_proven() -> None:
    assert build_inclusion(READER, 6, 7)
    for index, size in ((7, 7), (-1, 7), (0, 0)):
        with pytest.raises(FormatError):
            build_inclusion(READER, index, size)
        with pytest.raises(FormatError):
            build_multiproof(READER, [index], size)
    with pytest.raises(FormatError):
        build_multiproof(READER, [], 7)
    with pytest.raises(FormatError):
        build_consistency(READER, 8, 7)
