from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from commitments.clock import OneClock
from commitments.errors import FormatError, VerificationError
from ledger import witness_client
from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint, open_checkpoint, sign
from ledger.cosignature import Ed25519Cosigner, MlDsaCosigner
from ledger.cosigning import Publisher, forget_published, remote_witnesses
from ledger.log import Log
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, Signature, Signer, parse_vkey
from ledger.quorum import Quorum, open_cosigned, parse_quorum
from ledger.store import Store
from ledger.witness_client import RemoteWitness, TooSlow, witness_connections
from tests.databases import SEALING
from tests.ledger.memory_log import ORIGIN, purchase
from tests.witness.world import NOW
from witness.keys import WitnessKeys
from witness.service import StaleSize, Witness


def keys_of(name: str, number: int) -> WitnessKeys:
    return WitnessKeys(name, *(bytes([number + kind]) * 32 for kind in (0, 9, 18)))


KEYS = [keys_of(f"w{n}.example", n) for n in (1, 2)]


class Network(httpx.BaseTransport):
    """Witnesses by host, without sockets; each can be down, or say something else."""

    def __init__(self, witnesses: dict[str, Witness]) -> None:
        self.witnesses = witnesses
        self.instead: dict[str, Callable[[AddCheckpoint], httpx.Response]] = {}
        self.asked: list[tuple[str, int]] = []
        self.shown: dict[str, Callable[[], httpx.Response]] = {}  # instead of the handovers
        self.looked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if request.url.path == "/prefix/handovers":
            return self._handovers(host)
        assert request.url.path == "/prefix/add-checkpoint"
        wanted = AddCheckpoint.parse(request.read())
        self.asked.append((host, wanted.old_size))
        if host in self.instead:
            return self.instead[host](wanted)
        try:
            lines = self.witnesses[host].add_checkpoint(wanted)
        except StaleSize as stale:
            return say(409, f"{stale.size}\n".encode())
        return say(200, "".join(s.line() for s in lines).encode())

    def _handovers(self, host: str) -> httpx.Response:
        self.looked.append(host)
        if host in self.shown:
            return self.shown[host]()
        lines = [handover.line() for handover in self.witnesses[host].handovers()]
        return say(200, "".join(lines).encode())


def say(status: int, content: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


def down(_request: AddCheckpoint) -> httpx.Response:
    raise httpx.ConnectError("down")


class World:
    """A log, two witnesses that watch it, and the time."""

    def __init__(self, database: str, directory: Path, stack: ExitStack) -> None:
        self.store = stack.enter_context(Store(database, sealing=SEALING))
        self.key = parse_vkey(self.store.create_log(ORIGIN, b"k" * 32))
        witnesses = {}
        for keys in KEYS:
            url = f"sqlite:///{directory}/{keys.name}.db"
            witnesses[keys.name] = stack.enter_context(Witness(url, keys, lambda: NOW))
            witnesses[keys.name].watch(self.key)
        self.network = Network(witnesses)
        self.now = 0.0
        self.publisher = self.new_publisher()
        self._next = 0

    def new_publisher(self, patience: float = 20) -> Publisher:
        publisher = Publisher(
            self.store,
            remote_witnesses(policy("all").witnesses),
            transport=self.network,
            clocks=OneClock(lambda: NOW + timedelta(seconds=self.now)),
            monotonic=lambda: self.now,
            patience=patience,
        )
        self.store.after_write = publisher.publish
        return publisher

    def grow(self, count: int = 1) -> None:
        entries = [purchase(self._next + n) for n in range(count)]
        self._next += count
        self.store.write(lambda transaction: transaction.append(ORIGIN, entries))

    def seen(self, threshold: str) -> int:
        """The size that readers see who want so many witnesses."""
        with self.store.read() as connection:
            log = Log.published(connection, ORIGIN)
            checkpoint = open_cosigned(log.checkpoint(), self.key, policy=policy(threshold))
            assert checkpoint.size == log.size
            assert checkpoint.root == log.root(log.size)
            return log.size


def policy(threshold: str) -> Quorum:
    lines = [
        f"witness {keys.name}-{n} {vkey} https://{keys.name}/prefix/\n"
        for keys in KEYS
        for n, vkey in enumerate(keys.public()["cosignature_keys"])
    ]
    groups = [f"group {keys.name} all {keys.name}-0 {keys.name}-1\n" for keys in KEYS]
    last = f"group g {threshold} w1.example w2.example\nquorum g\n"
    return parse_quorum("".join([*lines, *groups, last]).encode())


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        made = World(database, tmp_path, stack)
        yield made
        made.publisher.close()


def test_what_is_written_is_cosigned_before_the_writer_hears_of_it(world: World) -> None:
    for count in (1, 2, 300, 1):
        world.grow(count)
        assert world.seen("all") == world._next
    assert [old for host, old in world.network.asked if host == "w1.example"] == [0, 1, 3, 303]


def test_no_witness_is_asked_for_a_sandbox(world: World) -> None:
    world.grow()
    asked, origin = len(world.network.asked), "ledger.example/test/acme-test"
    world.store.create_log(origin, b"k" * 32)
    world.store.write(lambda transaction: transaction.append(origin, [purchase(0)]))
    world.publisher.catch_up()
    assert len(world.network.asked) == asked
    with world.store.read() as connection:
        assert Log.published(connection, origin).size == 1
    world.grow()
    assert (world.seen("all"), len(world.network.asked)) == (2, asked + 2)


def test_readers_do_not_see_what_witnesses_were_not_asked_for(world: World) -> None:
    world.grow(3)
    world.store.commit(lambda transaction: transaction.append(ORIGIN, [purchase(99)]))
    assert world.seen("all") == 3
    with world.store.read() as connection:
        assert Log(connection, ORIGIN).size == 4
        assert Log.published(connection, ORIGIN, 2).size == 3
        assert Log.published(connection, ORIGIN, 3).size == 4  # who asks for that entry
    world.publisher.publish()
    assert world.seen("all") == 4


def test_a_witness_that_is_down_stops_nothing_and_is_caught_up(world: World) -> None:
    world.grow()
    world.network.instead["w2.example"] = down
    world.grow(5)
    world.grow(300)
    assert world.seen("any") == 306
    with pytest.raises(VerificationError, match="quorum"):
        world.seen("all")
    asked = len(world.network.asked)
    del world.network.instead["w2.example"]
    world.publisher.catch_up()  # it rests, for a moment
    assert len(world.network.asked) == asked
    world.now += 1
    world.publisher.catch_up()
    assert world.network.asked[asked:] == [("w2.example", 1)]  # from the size it had
    assert world.seen("all") == 306
    world.now += 100
    world.publisher.catch_up()  # nothing is missing any more
    assert len(world.network.asked) == asked + 1


def test_a_trouble_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    troubles = []
    for instead in (None, down, down, lambda _: say(404), lambda _: say(404), None, down):
        world.network.instead.clear()
        if instead is not None:
            world.network.instead["w2.example"] = instead
        world.now += 100
        caplog.clear()
        world.grow()
        troubles.append(len(caplog.messages))
    assert troubles == [0, 1, 0, 1, 0, 0, 1]


def test_all_witnesses_down_and_the_log_goes_on(world: World) -> None:
    world.network.instead = dict.fromkeys(("w1.example", "w2.example"), down)
    world.grow(2)
    with pytest.raises(VerificationError, match="quorum"):
        world.seen("any")
    with world.store.read() as connection:
        assert Log.published(connection, ORIGIN).size == 2
    world.network.instead.clear()
    world.now += 1
    world.publisher.catch_up()
    assert world.seen("all") == 2


def test_a_new_process_learns_from_the_witness_what_it_has(world: World) -> None:
    world.grow(7)
    world.publisher.close()
    world.publisher = world.new_publisher()
    world.network.asked.clear()
    world.grow(2)
    assert sorted(world.network.asked) == [
        (host, old) for host in ("w1.example", "w2.example") for old in (0, 7)
    ]
    assert world.seen("all") == 9


OTHER_ORIGIN = "ledger.example/other"


def begin_other(world: World) -> None:
    key = parse_vkey(world.store.create_log(OTHER_ORIGIN, b"o" * 32))
    for witness in world.network.witnesses.values():
        witness.watch(key)


def grow_other(world: World, write: Callable[..., Any]) -> None:
    write(lambda transaction: transaction.append(OTHER_ORIGIN, [purchase(world._next)]))
    world._next += 1


def test_a_witness_that_does_not_answer_rests_for_all_logs(world: World) -> None:
    """Or with many logs each round would wait for it, if not for one log then for the next."""
    begin_other(world)

    def silent(_request: AddCheckpoint) -> httpx.Response:
        raise httpx.ReadTimeout("silent")

    world.network.instead["w2.example"] = silent
    world.network.asked.clear()
    world.grow()
    world.now += 2
    grow_other(world, world.store.write)
    world.grow()
    assert [host for host, _ in world.network.asked].count("w2.example") == 1
    del world.network.instead["w2.example"]
    world.now += 20
    world.grow()
    assert world.seen("all") == 3


def test_a_witness_is_asked_no_more_while_it_hangs_and_may_answer_some(world: World) -> None:
    world.publisher.close()
    world.publisher = world.new_publisher(patience=0.5)
    world.store.after_write = None
    begin_other(world)
    world.grow()
    released, answers = Event(), iter([404])

    def hang(_request: AddCheckpoint) -> httpx.Response:
        for status in answers:
            return say(status)
        released.wait(60)
        return say(500)

    world.network.instead["w2.example"] = hang
    try:
        for _ in range(3):
            grow_other(world, world.store.commit)
            world.publisher.publish()
            world.now += 20
        assert [host for host, _ in world.network.asked].count("w2.example") == 2
        assert world.publisher._threads["https://w2.example/prefix/"]._thread._work_queue.empty()
    finally:
        released.set()


def test_what_is_caught_up_is_shown_with_all_that_is_new(world: World) -> None:
    """Or readers would see a close without the purchases that it closes."""
    begin_other(world)
    world.network.instead = dict.fromkeys(("w1.example", "w2.example"), down)
    world.grow()  # now both rest, for this log
    world.store.commit(lambda transaction: transaction.append(ORIGIN, [purchase(99)]))
    grow_other(world, world.store.commit)
    world.publisher.catch_up()
    with world.store.read() as connection:
        sizes = [Log.published(connection, origin).size for origin in (ORIGIN, OTHER_ORIGIN)]
    assert sizes == [2, 1]


def test_an_answer_that_trickles_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_client, "_WAIT", -1.0)
    answer = httpx.MockTransport(lambda _: say(200, b"x"))
    (witness,) = remote_witnesses(policy("any").witnesses[:2])
    with witness_connections(answer) as client, pytest.raises(TooSlow):
        witness.add_checkpoint(client, OTHER)


def test_a_witness_that_hangs_is_not_waited_for(world: World) -> None:
    world.publisher.close()
    world.publisher = world.new_publisher(patience=0.3)
    released = Event()

    def hang(_request: AddCheckpoint) -> httpx.Response:
        released.wait(60)
        return say(500)

    world.network.instead["w2.example"] = hang
    try:
        world.grow()
        world.grow()
        assert world.seen("any") == 2
        assert [host for host, _ in world.network.asked].count("w2.example") == 1
    finally:
        released.set()


def lines(signer: Any, request: AddCheckpoint) -> bytes:
    text = Note.parse(request.checkpoint).text
    return "".join(cosigner.cosign(text, 7).line() for cosigner in signer.cosigners).encode()


def lines_over(signer: Any, text: str) -> bytes:
    """Of the one key that signs any text: its line would stand in the note, and be false there."""
    return bytes(signer.cosigners[0].cosign(text, 7).line(), "utf-8")


def below(request: AddCheckpoint) -> bytes:
    """A cosignature of a longer text: the checkpoint, and what the witness has put below it."""
    added = "\nadded\n"
    cosigner = Ed25519Cosigner(KEYS[1].name, KEYS[1].ed25519)
    return f"{added}\n{cosigner.cosign(request.checkpoint.decode() + added, 7).line()}".encode()


OTHER = AddCheckpoint(0, (), sign(Checkpoint(ORIGIN, 0, EMPTY_ROOT), Signer(ORIGIN, b"k" * 32)))


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: say(200, b""),
        lambda _: say(200, b"junk\n"),
        lambda _: say(200, b"\xff" * 100_000),
        # of a witness that nobody asked, and of one that claims to be the one asked
        lambda request: say(200, lines(KEYS[0], request)),
        lambda request: say(200, lines(keys_of("w2.example", 7), request)),
        lambda _: say(200, lines(KEYS[1], OTHER)),  # of the right one, for another checkpoint
        lambda request: say(200, b"\n" + lines_over(KEYS[1], request.checkpoint.decode())),
        lambda request: say(200, below(request)),
        lambda _: say(302, Location="https://w1.example/prefix/"),
        lambda _: say(302, Location="https://xn--a/"),  # no name; httpx raises no error of its own
        lambda _: say(404),
        lambda _: say(409),
        lambda _: say(409, b"+1\n"),
        lambda _: say(409, b"1000\n"),
        lambda _: say(409, b"0\n"),
        lambda request: say(409, f"{1 - request.old_size}\n".encode()),
    ],
)
def test_a_witness_that_lies_is_as_one_that_is_down(
    world: World, answer: Callable[[AddCheckpoint], httpx.Response]
) -> None:
    world.network.instead["w2.example"] = answer
    world.grow(2)
    assert world.seen("any") == 2
    with world.store.read() as connection:
        note = Note.parse(Log.published(connection, ORIGIN).checkpoint())
    assert {s.name for s in note.signatures} == {ORIGIN, "w1.example"}
    del world.network.instead["w2.example"]
    world.now += 1
    world.grow()
    assert world.seen("all") == 3


def test_what_witnesses_want_remembered_is_not(world: World) -> None:
    world.network.instead["w2.example"] = lambda _: httpx.Response(
        404, headers={"Set-Cookie": "number=1"}
    )
    world.grow()
    assert ("w2.example", 0) in world.network.asked
    assert len(world.publisher._client.cookies) == 0


def test_keys_change_while_witnesses_are_asked(world: World) -> None:
    """What only the old key has signed is not published any more."""
    world.grow(3)

    def slow(request: AddCheckpoint) -> httpx.Response:
        world.network.instead["w1.example"] = down
        world.store.commit(lambda transaction: transaction.add_key(ORIGIN, b"n" * 32))
        world.store.commit(lambda transaction: transaction.drop_oldest_key(ORIGIN))
        return down(request)

    world.network.instead = {"w1.example": slow, "w2.example": down}
    world.grow()
    for size in (3, 4):
        with world.store.read() as connection:
            log = Log.published(connection, ORIGIN)
        assert open_checkpoint(log.checkpoint(), *log.verifiers).size == size
        world.now += 20
        world.publisher.catch_up()


def test_without_witnesses_readers_see_each_commit(world: World) -> None:
    world.grow(2)
    world.store.after_write = None
    world.grow()
    assert world.seen("all") == 2
    world.store.commit(forget_published)
    with world.store.read() as connection:
        assert Log.published(connection, ORIGIN).size == 3


def test_keys_at_one_address_are_one_witness_and_none_without_address() -> None:
    asked = remote_witnesses(policy("all").witnesses)
    assert [(w.url, len(w.keys)) for w in asked] == [
        ("https://w1.example/prefix/", 2),
        ("https://w2.example/prefix/", 2),
    ]
    assert all(isinstance(witness, RemoteWitness) for witness in asked)
    vkey = KEYS[0].public()["cosignature_keys"][0]
    assert remote_witnesses(parse_quorum(f"witness w {vkey}\nquorum w\n".encode()).witnesses) == []


def test_no_more_cosignatures_are_asked_for_than_a_note_can_hold() -> None:
    made = [MlDsaCosigner(f"w{n}.example", bytes([n]) * 32) for n in range(17)]
    line = "witness w{} {} https://w{}.example/\n"
    lines = [line.format(n, key.verifier.vkey, n) for n, key in enumerate(made)]
    most, too_many = ("".join([*lines[:n], "quorum none\n"]).encode() for n in (16, 17))
    assert len(remote_witnesses(parse_quorum(most).witnesses)) == 16
    with pytest.raises(FormatError, match="more than 16"):
        remote_witnesses(parse_quorum(too_many).witnesses)
    longest = [Signature("n" * 255, bytes(4), bytes(8 + 2420))] * 32
    note = Note.parse(OTHER.checkpoint)
    full = Note(note.text, (*note.signatures, *longest))
    assert Note.parse(full.serialise()) == full
