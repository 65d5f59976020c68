"""Rings, and servers that lie about them."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json, parse_json
from ledger.checkpoint import Checkpoint
from ledger.entries import Sale, Transferred, Void
from ledger.partition import Partition
from ledger.rings import (
    Member,
    Removal,
    Ring,
    RingEvidence,
    RingName,
    build_evidence,
    build_ring,
    ring_digest,
    verify_ring,
)
from tests.ledger.memory_log import MemoryLog, commitment, purchase

NO_POINT = b"\x02" + b"\xff" * 32


def decode(data: bytes) -> object:
    if data.startswith(NO_POINT[:9]):
        raise FormatError("not a point")
    return data


class World:
    """A log that was closed three times, its partition, and what a wallet knows of both."""

    def __init__(self, void_window: int = 1) -> None:
        self.log = MemoryLog(purchase(n) for n in range(120))
        self.log.close()
        self._append(purchase(n) for n in range(200, 280))
        self.log.close()
        self.void_window = void_window

    def _append(self, entries: Iterable[bytes]) -> None:
        for entry in entries:
            self.log.append(entry)

    def append(self, *entries: bytes, closed: bool = True) -> int:
        """The index of the first of the entries."""
        index = self.log.size
        self._append(entries)
        if closed:
            self.log.close()
        return index

    @property
    def partition(self) -> Partition:
        return Partition(64, self.void_window, self.log.closes)

    def name(self, own: int, first: int = 0, size: int | None = None) -> RingName:
        closed = self.log.closes[-1].size
        size = closed if size is None else size
        return RingName(first, size, closed, self.partition.lane_of(own, first, size))

    def evidence(self, name: RingName) -> RingEvidence:
        return build_evidence(self.log, self.partition, name, self.log.size)

    def verify(self, evidence: RingEvidence, name: RingName, own: Member | None = None) -> Ring:
        return verify_ring(evidence, self.log.checkpoint(), self.partition, name, decode, own)

    def honest(self, name: RingName, own: Member | None = None) -> Ring:
        """What an honest server shows is accepted, and is what one builds from the log."""
        shown = RingEvidence.from_json(parse_json(canonical_json(self.evidence(name).to_json())))
        ring = self.verify(shown, name, own)
        assert ring == build_ring(self.log, self.partition, name, decode)
        return ring

    def prove(self, evidence: RingEvidence, indices: Iterable[int]) -> RingEvidence:
        """The evidence with an honest multiproof for other indices."""
        hashes = self.log.multiproof(sorted(indices), self.log.size)
        return replace(evidence, hashes=tuple(hashes))


OWN = 17


@pytest.fixture
def world() -> World:
    return World()


def cell_of(world: World, name: RingName) -> list[int]:
    return world.partition.cell(name.first, name.size, name.lane)


# ---- honest servers


def test_an_honest_ring(world: World) -> None:
    name = world.name(OWN)
    ring = world.honest(name, world.log.member(OWN))
    indices = cell_of(world, name)
    assert list(ring.indices) == indices
    assert list(ring.members) == [world.log.member(index).commitment for index in indices]
    assert ring.root == world.log.root(200)
    assert (ring.first, ring.size, ring.voided_at, ring.lane) == (0, 200, 200, name.lane)
    assert ring.lanes == 8
    assert ring.digest() == ring_digest(ring.members)


def test_frozen_digest() -> None:
    assert (
        ring_digest([commitment(1), commitment(2)]).hex()
        == "db4933f93b3657fe1eac44f8761d20739f28c3e21fe0b3d450e22e9ae7c1ff98"
    )


@given(st.integers(0, 199), st.sampled_from([(0, 120), (0, 200), (120, 200)]), st.integers(0, 40))
def test_rings_under_later_checkpoints(own: int, span: tuple[int, int], later: int) -> None:
    first, size = span
    if not first <= own < size:
        return
    world = World()
    world.append(*(purchase(1_000 + n) for n in range(later)), closed=False)
    name = world.name(own, first, size)
    ring = world.honest(name, world.log.member(own))
    assert own in ring.indices
    assert all(first <= index < size for index in ring.indices)


def test_what_is_no_member(world: World) -> None:
    """Sales, junk, voids, what is no point, and all but the first of a commitment."""
    strangers = [
        Sale(commitment(5_000)).encode(),
        b"junk",
        b"",
        Void(10**6).encode(),  # of nothing
        b"\x01" + NO_POINT,
        purchase(OWN),  # the second of its kind
        Transferred(commitment(OWN)).encode(),
    ]
    start = world.append(*strangers, Transferred(commitment(6_000)).encode(), purchase(6_001))
    found = set()
    for lane in range(world.partition.lanes(0, world.log.size)):
        name = RingName(0, world.log.size, world.log.size, lane)
        found |= set(world.honest(name).indices)
    assert found == {*range(200), start + len(strangers), start + len(strangers) + 1}


def test_a_sale_occupies_its_commitment(world: World) -> None:
    start = world.append(Sale(commitment(7)).encode(), Sale(commitment(5_000)).encode())
    later = world.append(purchase(5_000), purchase(5_001))
    for own, is_member in ((7, True), (start + 1, False), (later, False), (later + 1, True)):
        assert (own in world.honest(world.name(own)).indices) is is_member


def test_a_void_takes_a_member_away(world: World) -> None:
    before = world.honest(world.name(150))
    void = world.append(Void(150).encode())
    ring = world.honest(world.name(150))
    assert 150 not in ring.indices
    assert set(before.indices) - set(ring.indices) == {150}
    assert world.evidence(world.name(150)).removals == (Removal(150, void),)


def test_a_void_above_the_horizon_has_no_effect_yet(world: World) -> None:
    name = world.name(150)
    world.append(Void(150).encode())
    assert 150 in world.honest(name).indices
    assert 150 not in world.honest(replace(name, voided_at=world.log.size)).indices


def test_a_void_that_comes_too_late_has_no_effect(world: World) -> None:
    world.append(purchase(300))  # a period passes
    world.append(Void(150).encode(), Void(20).encode())
    assert 150 in world.honest(world.name(150)).indices
    assert 20 in world.honest(world.name(20)).indices


def test_a_void_of_a_transferred_or_void_entry_has_no_effect(world: World) -> None:
    start = world.append(Transferred(commitment(300)).encode(), Void(150).encode())
    world.append(Void(start).encode(), Void(start + 1).encode())
    assert start in world.honest(world.name(start)).indices
    assert 150 not in world.honest(world.name(150)).indices


def test_a_void_before_its_entry_has_no_effect(world: World) -> None:
    start = world.append(Void(201).encode(), purchase(300))
    assert start + 1 in world.honest(world.name(201)).indices


def test_a_void_in_the_cell_itself(world: World) -> None:
    """The entry that takes away may be shown twice over; it is proven once."""
    world.append(*(Void(150).encode() for _ in range(64)))
    name = world.name(150)
    inside = [index for index in cell_of(world, name) if index >= 200]
    assert inside
    evidence = replace(world.evidence(name), removals=(Removal(150, inside[0]),), grounds=())
    assert 150 not in world.honest(name).indices
    assert 150 not in world.verify(world.prove(evidence, cell_of(world, name)), name).indices


# ---- servers that lie


def test_server_serves_poisoned_ring_with_an_extra_member(world: World) -> None:
    name = world.name(OWN)
    indices = cell_of(world, name)
    extra = next(index for index in range(200) if index not in indices)
    world.honest(name)
    evidence = world.evidence(name)
    more = (*evidence.entries, world.log.entries_at([extra])[0])
    with pytest.raises(VerificationError, match="number of entries"):
        world.verify(world.prove(replace(evidence, entries=more), [*indices, extra]), name)
    grounds = world.log.entries_at([extra])
    with pytest.raises(VerificationError, match="number of entries"):
        world.verify(replace(evidence, grounds=tuple(grounds)), name)


def test_server_serves_poisoned_ring_with_a_member_left_out(world: World) -> None:
    name = world.name(OWN)
    world.honest(name)
    evidence, indices = world.evidence(name), cell_of(world, name)
    fewer = replace(evidence, entries=evidence.entries[1:])
    with pytest.raises(VerificationError, match="number of entries"):
        world.verify(world.prove(fewer, indices[1:]), name)


def test_server_serves_poisoned_ring_with_a_member_exchanged(world: World) -> None:
    name = world.name(OWN)
    indices = cell_of(world, name)
    other = next(index for index in range(200) if index not in indices)
    world.honest(name)
    entries = (*world.log.entries_at([other]), *world.evidence(name).entries[1:])
    lie = replace(world.evidence(name), entries=tuple(entries))
    for proven in (indices, [other, *indices[1:]]):
        with pytest.raises(VerificationError, match="multiproof"):
            world.verify(world.prove(lie, proven), name)


def test_server_serves_poisoned_ring_with_members_in_another_order(world: World) -> None:
    name = world.name(OWN)
    world.honest(name)
    evidence = world.evidence(name)
    with pytest.raises(VerificationError, match="multiproof"):
        world.verify(replace(evidence, entries=evidence.entries[::-1]), name)


def test_server_serves_poisoned_ring_with_invented_members(world: World) -> None:
    name = world.name(OWN)
    world.honest(name)
    evidence = world.evidence(name)
    invented = tuple(purchase(9_000 + n) for n in range(len(evidence.entries)))
    with pytest.raises(VerificationError, match="multiproof"):
        world.verify(replace(evidence, entries=invented), name)


def test_server_serves_poisoned_ring_of_the_wrong_lane(world: World) -> None:
    name = world.name(OWN)
    wrong = replace(name, lane=name.lane ^ 1)
    world.honest(name, world.log.member(OWN))
    with pytest.raises(VerificationError):
        world.verify(world.evidence(wrong), name)
    world.honest(wrong)  # a ring it is, but not that of the wallet's purchase
    with pytest.raises(VerificationError, match="own purchase"):
        world.verify(world.evidence(wrong), wrong, world.log.member(OWN))


def test_server_takes_the_wallets_own_purchase_for_another(world: World) -> None:
    name = world.name(OWN)
    own = world.log.member(OWN)
    world.honest(name, own)
    for false in (replace(own, index=OWN + 1), replace(own, commitment=commitment(9_000))):
        with pytest.raises(VerificationError, match="own purchase"):
            world.verify(world.evidence(name), name, false)


def test_server_voids_the_wallets_own_purchase(world: World) -> None:
    name = world.name(150)
    own = world.log.member(150)
    world.honest(name, own)
    world.append(Void(150).encode())
    after = world.name(150)
    world.honest(after)
    with pytest.raises(VerificationError, match="own purchase"):
        world.verify(world.evidence(after), after, own)


def claim_removal(world: World, name: RingName, removal: Removal) -> RingEvidence:
    """The evidence of a server that says this member does not count, with the proof it needs."""
    honest = world.evidence(name)
    removals = tuple(sorted([*honest.removals, removal], key=lambda removed: removed.index))
    cell = cell_of(world, name)
    grounds = sorted({removed.by for removed in removals}.difference(cell))
    shown = tuple(world.log.entries_at(grounds))
    lie = replace(honest, removals=removals, grounds=shown)
    return world.prove(lie, {*cell, *grounds})


PRETEXTS = {
    "a void of another entry": Void(151).encode(),
    "a sale with another commitment": Sale(commitment(301)).encode(),
    "a later entry with its commitment": Transferred(commitment(220)).encode(),
    "junk": b"junk",
}


@pytest.mark.parametrize("pretext", PRETEXTS)
def test_server_leaves_a_member_out_on_a_pretext(world: World, pretext: str) -> None:
    assert world.log.member(140).commitment == commitment(220)
    by = world.append(PRETEXTS[pretext])
    name = world.name(140)
    assert 140 in world.honest(name).indices
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(claim_removal(world, name, Removal(140, by)), name)


def test_server_leaves_a_member_out_because_of_an_earlier_one(world: World) -> None:
    name = world.name(140)
    by = next(index for index in range(140) if index not in cell_of(world, name))
    assert 140 in world.honest(name).indices
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(claim_removal(world, name, Removal(140, by)), name)


def test_server_leaves_a_member_out_for_a_void_that_comes_too_late(world: World) -> None:
    world.append(purchase(300))  # a period passes
    by = world.append(Void(140).encode())
    name = world.name(140)
    assert 140 in world.honest(name).indices
    lie = claim_removal(world, name, Removal(140, by))
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(lie, name)
    world.void_window = 50  # nothing else was wrong with it
    assert 140 not in world.verify(lie, name).indices


def test_server_leaves_a_transferred_purchase_out_for_a_void(world: World) -> None:
    start = world.append(Transferred(commitment(300)).encode())
    by = world.append(Void(start).encode())
    name = world.name(start)
    assert start in world.honest(name).indices
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(claim_removal(world, name, Removal(start, by)), name)


def test_server_keeps_a_repetition_in_the_ring(world: World) -> None:
    """The wallet notices it in its own cell: a statement with it would be refused."""
    start = world.append(*[purchase(OWN)] * 64)
    name = world.name(OWN)
    honest = world.honest(name, world.log.member(OWN))
    assert any(index >= start for index in cell_of(world, name))
    kept = world.prove(replace(world.evidence(name), removals=(), grounds=()), cell_of(world, name))
    assert world.verify(kept, name, world.log.member(OWN)) == honest


def test_server_leaves_a_member_out_for_a_void_above_the_horizon(world: World) -> None:
    name = world.name(150)
    void = world.append(Void(150).encode(), closed=False)
    assert 150 in world.honest(name).indices
    lie = replace(
        world.evidence(name),
        removals=(Removal(150, void),),
        grounds=(Void(150).encode(),),
    )
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(world.prove(lie, [*cell_of(world, name), void]), name)
    world.log.close()  # nothing else was wrong with it
    later = replace(name, voided_at=world.log.size)
    assert 150 not in world.verify(world.prove(lie, [*cell_of(world, name), void]), later).indices


def test_server_leaves_a_member_out_for_a_void_that_is_not_in_the_log(world: World) -> None:
    by = world.append(purchase(300))
    name = world.name(150)
    assert 150 in world.honest(name).indices
    lie = claim_removal(world, name, Removal(150, by))
    with pytest.raises(VerificationError, match="multiproof"):
        world.verify(replace(lie, grounds=(Void(150).encode(),)), name)


def test_server_leaves_a_member_out_because_of_itself(world: World) -> None:
    name = world.name(OWN)
    world.honest(name)
    lie = replace(world.evidence(name), removals=(Removal(OWN, OWN),))
    with pytest.raises(VerificationError, match="left out that counts"):
        world.verify(lie, name)


def test_server_names_removals_of_other_cells_or_twice(world: World) -> None:
    void = world.append(Void(150).encode())
    name = world.name(150)
    world.honest(name)
    evidence = world.evidence(name)
    (removal,) = evidence.removals
    outside = next(i for i in range(200) if i not in cell_of(world, name))
    for removals in ((removal, removal), (Removal(outside, void), removal), (Removal(-1, void),)):
        with pytest.raises(VerificationError, match="removals"):
            world.verify(replace(evidence, removals=removals), name)
    for by in (-1, 10**6):
        with pytest.raises(VerificationError, match="multiproof"):
            world.verify(replace(evidence, removals=(Removal(150, by),)), name)


def test_server_shows_members_of_another_log(world: World) -> None:
    other = MemoryLog((purchase(20_000 + n) for n in range(200)), "ledger.example/other")
    name = world.name(OWN)
    world.honest(name)
    foreign = build_evidence(other, world.partition, name, 200)
    with pytest.raises(VerificationError, match="consistency"):
        verify_ring(foreign, other.checkpoint(), world.partition, name, decode)
    entries = (foreign.entries[0], *world.evidence(name).entries[1:])
    for lie in (foreign, replace(world.evidence(name), entries=entries)):
        with pytest.raises(VerificationError, match="multiproof"):
            world.verify(lie, name)


def test_server_shows_a_stale_checkpoint(world: World) -> None:
    old, name = world.log.checkpoint(), world.name(OWN)
    verify_ring(world.evidence(name), old, world.partition, name, decode)
    world.append(Void(OWN).encode(), purchase(300))
    later = replace(name, voided_at=world.log.size)
    world.honest(later)
    stale = build_evidence(world.log, world.partition, later, old.size)
    with pytest.raises(VerificationError, match="older than its horizons"):
        verify_ring(stale, old, world.partition, later, decode)


def test_server_forks_the_log_after_the_close(world: World) -> None:
    """The ring is honest under a checkpoint that does not extend the close."""
    name = world.name(OWN)
    world.honest(name)
    fork = World()
    fork.log = MemoryLog([*(purchase(n) for n in range(120)), *[purchase(5)] * 80])
    fork.log.closes = world.log.closes
    with pytest.raises(VerificationError, match="consistency"):
        verify_ring(fork.evidence(name), fork.log.checkpoint(), fork.partition, name, decode)


def test_server_leaves_out_or_changes_the_consistency_proof(world: World) -> None:
    name = world.name(OWN)
    world.append(purchase(300), closed=False)
    world.honest(name)
    evidence = world.evidence(name)
    for proof in ((), evidence.consistency[1:], (b"x" * 32, *evidence.consistency[1:])):
        with pytest.raises(VerificationError, match="consistency"):
            world.verify(replace(evidence, consistency=proof), name)


def test_server_changes_or_leaves_out_a_hash(world: World) -> None:
    name = world.name(OWN)
    world.honest(name)
    evidence = world.evidence(name)
    for place in range(len(evidence.hashes)):
        left, right = evidence.hashes[:place], evidence.hashes[place + 1 :]
        for hashes in ((*left, b"x" * 32, *right), (*left, *right)):
            with pytest.raises(VerificationError, match="multiproof"):
                world.verify(replace(evidence, hashes=hashes), name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (RingName(0, 200, 120, 0), "in order"),
        (RingName(200, 120, 200, 0), "in order"),
        (RingName(120, 120, 200, 0), "in order"),
        (RingName(-1, 120, 200, 0), "in order"),
        (RingName(1, 120, 200, 0), "not a close"),
        (RingName(0, 199, 200, 0), "not a close"),
        (RingName(0, 120, 199, 0), "not a close"),
        (RingName(0, 120, 10**6, 0), "not a close"),
        (RingName(0, 120, 200, 4), "no such lane"),
        (RingName(0, 120, 200, -1), "no such lane"),
    ],
)
def test_a_name_that_no_ring_has(world: World, name: RingName, why: str) -> None:
    good = RingName(0, 120, 200, 3)
    evidence = world.evidence(good)
    world.honest(good)
    for refused in (
        lambda: world.verify(evidence, name),
        lambda: build_ring(world.log, world.partition, name, decode),
        lambda: world.evidence(name),
    ):
        with pytest.raises(VerificationError, match=why):
            refused()


def test_a_ring_without_members_is_none() -> None:
    world = World()
    world.log = MemoryLog([Void(0).encode()] * 10)
    world.log.close()
    name = RingName(0, 10, 10, 0)
    with pytest.raises(VerificationError, match="no member"):
        build_ring(world.log, world.partition, name, decode)
    with pytest.raises(VerificationError, match="no member"):
        world.verify(world.evidence(name), name)


# ---- the JSON form


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entries", "AAAA"),
        ("entries", [1]),
        ("entries", ["AAA"]),
        ("entries", None),
        ("grounds", ["AAB="]),
        ("hashes", ["AAAA"]),
        ("consistency", ["AAAA"]),
        ("removals", [[1]]),
        ("removals", [[1, True]]),
        ("removals", [["1", "2"]]),
        ("removals", [{"index": 1, "by": 2}]),
        ("removals", {}),
        ("extra", []),
    ],
)
def test_what_is_not_quite_evidence(world: World, field: str, value: object) -> None:
    evidence = world.evidence(world.name(OWN))
    good = evidence.to_json()
    assert RingEvidence.from_json(good) == evidence
    with pytest.raises(FormatError):
        RingEvidence.from_json({**good, field: value})
    with pytest.raises(FormatError):
        RingEvidence.from_json({name: good[name] for name in good if name != "hashes"})
    with pytest.raises(FormatError):
        RingEvidence.from_json([good])


def test_a_checkpoint_of_the_close_itself_is_enough(world: World) -> None:
    name = world.name(OWN)
    evidence = world.evidence(name)
    assert evidence.consistency == ()
    checkpoint = Checkpoint(world.log.origin, 200, world.log.closes[-1].root)
    assert verify_ring(evidence, checkpoint, world.partition, name, decode) == world.honest(name)
