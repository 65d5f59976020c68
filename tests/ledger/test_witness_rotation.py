"""Witnesses that change their keys under a log that asks them, and some that only pretend to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from commitments.domain import suite_name
from commitments.errors import VerificationError
from commitments.p256 import P256
from ledger.checkpoint import Checkpoint, sign
from ledger.event_log import append_event, events_of, note_kinds
from ledger.events import LogDeclaration, encode_event, events_origin
from ledger.farewells import stored_key_history
from ledger.handover import Handover
from ledger.key_history import WITNESS_ROTATED, told_handovers
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import Note, Signer, Verifier, parse_vkey
from ledger.quorum import Quorum, open_cosigned
from ledger.store import Transaction
from tests.ledger.memory_log import ORIGIN, TIME
from tests.ledger.test_cosigning import KEYS, World, down, keys_of, policy, say
from witness.keys import WitnessKeys


def declaration(origin: str, purchases: Verifier, events: Verifier) -> LogDeclaration:
    suite = suite_name(P256).decode()
    return LogDeclaration(origin, suite, 64, "manual", 14, (), purchases, events)


class Declared(World):
    """A world whose log has an event log."""

    def __init__(self, database: str, directory: Path, stack: ExitStack) -> None:
        super().__init__(database, directory, stack)
        self.store.after_write = None
        self.events_key = parse_vkey(self.store.create_log(events_origin(ORIGIN), b"v" * 32))
        for witness in self.network.witnesses.values():
            witness.watch(self.events_key)
        declared = declaration(ORIGIN, self.key, self.events_key)
        self.kept: dict[str, WitnessKeys] = {keys.name: keys for keys in KEYS}
        self.store.commit(lambda t: append_event(t, ORIGIN, declared.to_event(TIME)))
        self.publisher = self.new_publisher()
        self.grow()

    def rotate(self, name: str) -> None:
        self.network.witnesses[name].rotate_keys(lambda keys: self.kept.update({name: keys}))

    def retire(self, name: str) -> None:
        self.network.witnesses[name].retire_keys(lambda keys: self.kept.update({name: keys}))

    def later(self) -> None:
        """An hour goes by, and the witnesses are asked for what is missing."""
        self.now += 3601
        self.publisher.catch_up()

    def logged(self) -> list[Handover]:
        with self.store.read() as connection:
            return list(stored_key_history(connection, ORIGIN).witnesses.handovers)

    def policy(self, threshold: str = "all") -> Quorum:
        """Of one who has named the first keys, and followed."""
        with self.store.read() as connection:
            events = events_of(connection, ORIGIN, [WITNESS_ROTATED])
        return policy(threshold).following(told_handovers(event for _, event in events))

    def followed(self) -> int:
        with self.store.read() as connection:
            log = Log.published(connection, ORIGIN)
            return open_cosigned(log.checkpoint(), self.key, policy=self.policy()).size


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[Declared]:
    with ExitStack() as stack:
        made = Declared(database, tmp_path, stack)
        yield made
        made.publisher.close()


def test_a_change_of_keys_is_logged_and_both_are_asked_for(world: Declared) -> None:
    assert world.seen("all") == 1
    world.rotate("w1.example")
    world.grow()
    assert world.seen("all") == 2  # nobody is cut off who has not heard
    assert world.logged() == []
    world.publisher.catch_up()
    assert [h.old.vkey for h in world.logged()] == KEYS[0].public()["cosignature_keys"]
    assert (world.seen("all"), world.followed()) == (2, 2)
    world.retire("w1.example")
    world.grow()
    assert world.followed() == 3
    with pytest.raises(VerificationError, match="quorum"):
        world.seen("all")


def test_a_change_that_was_over_before_the_log_heard_of_it(world: Declared) -> None:
    for name in ("w1.example", "w2.example"):
        world.rotate(name)
        world.retire(name)
    world.grow()
    with pytest.raises(VerificationError, match="quorum"):
        world.followed()
    world.later()
    assert len(world.logged()) == 4
    assert world.followed() == 2
    asked = len(world.network.asked)
    world.later()  # nothing is missing any more
    assert len(world.network.asked) == asked


def test_a_new_process_with_the_old_configuration_goes_on(world: Declared) -> None:
    for _ in range(2):
        world.rotate("w1.example")
        world.grow()
        world.later()
        world.retire("w1.example")
    world.publisher.close()
    world.publisher = world.new_publisher()
    world.network.looked.clear()
    world.grow()
    assert world.followed() == 4
    assert len(world.logged()) == 4
    assert world.network.looked == []


def test_several_processes_log_it_once(world: Declared) -> None:
    other = world.new_publisher()
    other.catch_up()  # and has read by now what the log says
    world.store.after_write = world.publisher.publish
    world.rotate("w1.example")
    world.grow()
    world.later()
    world.retire("w1.example")
    world.store.after_write = other.publish
    world.grow()
    other.catch_up()
    world.now += 20
    other.catch_up()
    assert len(world.logged()) == 2
    assert world.followed() == 3
    other.close()


def test_a_witness_that_has_changed_its_keys_for_years(world: Declared) -> None:
    """It shows all of that for ever, and the newest are at the end."""
    earlier = [keys_of("w1.example", 100 + n % 2) for n in range(2)]
    weekly = between(*earlier)
    world.rotate("w1.example")
    newest = world.network.witnesses["w1.example"].handovers()
    world.network.shown["w1.example"] = shown(*weekly * 150, *newest)
    world.grow()
    world.later()
    assert len(world.logged()) == 2


def test_a_log_that_cannot_be_written_is_left_out(world: Declared) -> None:
    """Such as a copy of somebody's log, whose owner records it."""
    theirs = "ledger.example/theirs"
    signer = Signer(events_origin(theirs), b"x" * 32)
    key = Verifier(theirs, signer.verifier.public_key)
    event = declaration(theirs, key, signer.verifier).to_event(TIME)
    data = encode_event(event)
    note = sign(Checkpoint(signer.name, 1, leaf_hash(data)), signer)

    def copied(transaction: Transaction) -> None:
        transaction.adopt(signer.name, [signer.verifier], [signer.verifier], note)
        transaction.append(signer.name, [data])
        note_kinds(transaction.connection, theirs, [(0, event)])

    world.store.commit(copied, signer.name)
    world.rotate("w1.example")
    world.grow()
    world.later()
    assert len(world.logged()) == 2
    with world.store.read() as connection:
        assert Log(connection, signer.name).size == 1


# ---- attacks


def shown(*handovers: Handover) -> Callable[[], httpx.Response]:
    return lambda: say(200, "".join(handover.line() for handover in handovers).encode())


def between(old: WitnessKeys, new: WitnessKeys) -> list[Handover]:
    return [Handover.sign(*pair) for pair in zip(old.cosigners, new.cosigners, strict=True)]


NEXT = [keys_of(keys.name, 50 + n) for n, keys in enumerate(KEYS)]
STRANGER = keys_of("w1.example", 90)
GOOD = between(KEYS[0], NEXT[0])
FORGED = GOOD[0].line().replace(GOOD[0].new.vkey, STRANGER.cosigners[0].verifier.vkey)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: say(404),
        lambda: say(302, Location="https://w2.example/prefix/handovers"),
        lambda: say(200, b"junk\n"),
        lambda: say(200, b"\xff"),
        lambda: say(200, b"a b c d\n"),
        lambda: say(200, GOOD[0].line().encode().removesuffix(b"\n")),
        lambda: say(200, FORGED.encode()),
        lambda: say(200, (GOOD[0].line() + "x").encode()),
        lambda: say(200, b"x" * (5 << 20)),
        shown(),
        shown(*between(KEYS[1], NEXT[1])),  # replayed: of another witness that is asked
        shown(*between(STRANGER, NEXT[0])),  # of a key that nobody trusts
        shown(*GOOD, *between(KEYS[0], STRANGER)),  # two successors
        shown(*GOOD, *between(NEXT[0], KEYS[0])),  # and back
        down,
    ],
)  # fmt: skip
def test_a_witness_that_does_not_show_true_handovers(
    world: Declared, answer: Callable[..., httpx.Response]
) -> None:
    """Nothing is logged, no other keys count, and the log goes on."""
    world.rotate("w1.example")
    instead = (lambda: down(None)) if answer is down else answer  # type: ignore[arg-type]
    world.network.shown["w1.example"] = instead
    world.grow()
    world.later()
    assert world.network.looked == ["w1.example"]
    assert world.logged() == []
    assert world.seen("all") == 2
    del world.network.shown["w1.example"]
    world.grow()
    world.later()
    world.later()
    assert [h.old.name for h in world.logged()] == ["w1.example"] * 2
    assert world.followed() == 3


def test_a_witness_that_shows_two_successors_one_after_the_other(
    world: Declared, caplog: pytest.LogCaptureFixture
) -> None:
    world.rotate("w1.example")
    world.grow()
    world.later()
    before = world.logged()
    world.network.shown["w1.example"] = shown(*between(KEYS[0], STRANGER))
    world.retire("w1.example")
    world.rotate("w1.example")
    world.grow()
    world.later()
    assert world.logged() == before
    assert "two successors" in caplog.text


def test_a_witness_cannot_fill_the_event_logs(world: Declared) -> None:
    chain = [KEYS[0], *(keys_of("w1.example", 100 + n) for n in range(20))]
    steps = [handover for pair in pairwise(chain) for handover in between(*pair)]
    world.network.shown["w1.example"] = shown(*steps)
    world.rotate("w1.example")
    for _ in range(3):
        world.publisher.close()  # nor by having the service killed, or asked by several processes
        world.publisher = world.new_publisher()
        world.grow()
        world.later()
    assert len(world.logged()) == 16
    world.now += 24 * 3600
    world.later()
    assert len(world.logged()) == 32


def test_a_witness_that_hangs_over_its_handovers_is_not_waited_for(world: Declared) -> None:
    world.publisher.close()
    world.publisher = world.new_publisher(patience=0.3)
    released = Event()

    def hang() -> httpx.Response:
        released.wait(60)
        return say(500)

    world.rotate("w1.example")
    world.grow()
    world.network.shown["w1.example"] = hang
    try:
        world.later()
        world.later()
        assert world.network.looked == ["w1.example"]
        world.grow()
        assert world.seen("any") == 3
    finally:
        released.set()


def test_keys_that_were_never_configured_are_looked_up_each_hour(world: Declared) -> None:
    """Such as the ML-DSA key of a witness of which only the Ed25519 key was named."""
    line = STRANGER.cosigners[0].cosign("x\n", 7).line().encode()

    def with_more(request: Any) -> httpx.Response:
        lines = world.network.witnesses["w1.example"].add_checkpoint(request)
        return say(200, "".join(s.line() for s in lines).encode() + line)

    world.network.instead["w1.example"] = with_more
    for _ in range(3):
        world.grow()
        world.now += 600
        world.publisher.catch_up()
    assert world.network.looked == ["w1.example"]
    world.now += 3600
    world.publisher.catch_up()
    assert world.network.looked == ["w1.example"] * 2
    world.network.instead.clear()
    world.rotate("w1.example")  # after a theft, and so at once
    world.retire("w1.example")
    world.grow()
    world.now += 60
    world.publisher.catch_up()
    assert world.network.looked == ["w1.example"] * 3
    assert world.followed() == 5


def test_a_witness_that_shows_no_handovers_is_complained_of_once(
    world: Declared, caplog: pytest.LogCaptureFixture
) -> None:
    world.network.shown["w1.example"] = lambda: say(404)
    world.rotate("w1.example")
    for _ in range(3):
        world.grow()
        world.later()
    assert len(world.network.looked) == 3
    assert caplog.text.count("does not show its handovers") == 1


def test_a_key_of_another_name_is_no_reason_to_look(world: Declared) -> None:
    """Anybody can put more lines into an answer."""
    line = Signer("elsewhere.example", b"x" * 32).signature("x\n").line().encode()

    def with_more(request: Any) -> httpx.Response:
        lines = world.network.witnesses["w1.example"].add_checkpoint(request)
        return say(200, "".join(s.line() for s in lines).encode() + line)

    world.network.instead["w1.example"] = with_more
    world.grow()
    world.later()
    assert world.network.looked == []
    assert world.seen("any") == 2


def test_no_more_than_two_keys_of_a_kind_are_accepted(world: Declared) -> None:
    """What a note can hold is bounded, and so is what a stolen key of long ago can do."""
    for _ in range(3):
        world.rotate("w1.example")
        world.grow()
        world.later()
        world.retire("w1.example")
    old = KEYS[0]

    def all_of_them(request: Any) -> httpx.Response:
        text = Note.parse(request.checkpoint).text
        signers = (*old.cosigners, *world.kept["w1.example"].cosigners)
        return say(200, "".join(signer.cosign(text, 7).line() for signer in signers).encode())

    world.network.instead["w1.example"] = all_of_them
    world.grow()
    with world.store.read() as connection:
        note = Log.published(connection, ORIGIN).checkpoint()
    ids = {s.key_id for s in Note.parse(note).signatures}
    assert old.cosigners[0].verifier.key_id not in ids
    assert world.followed() == 5


def test_a_crash_between_two_events_is_made_good(
    world: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rotate("w1.example")
    world.grow()
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "commit", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            world.publisher.catch_up()
    world.publisher.close()
    world.publisher = world.new_publisher()
    assert world.logged() == []
    world.grow()
    world.later()
    assert len(world.logged()) == 2
    assert world.followed() == 3
