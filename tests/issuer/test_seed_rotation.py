"""Seed witnesses change their keys, and closes go on; or somebody would like them to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from commitments.errors import KvittoError
from issuer.closing import Closer
from ledger.closes import CLOSED, Close, CloseFold, seed_message
from ledger.event_log import events_of, read_declaration
from ledger.handover import Handover
from ledger.key_history import WITNESS_ROTATED
from ledger.note import Signer
from ledger.seed_witnesses import NotSigned, SeedWitnesses
from ledger.seeding import SignedEnd
from ledger.witness_client import RemoteSeedWitness
from ledger.witness_rotation import record_handovers
from tests.issuer.test_closing import Signed
from tests.world import World
from witness.keys import WitnessKeys

W1, W2 = "w1.example", "w2.example"


class Changing(Signed):
    """A log whose two seed witnesses change their keys."""

    def __init__(self, world: World, directory: Path, stack: ExitStack) -> None:
        super().__init__(world, directory, stack)
        self.kept: dict[str, WitnessKeys] = {}
        self.sales = 0
        self.restart()

    def restart(self, *known: RemoteSeedWitness) -> None:
        asker = SeedWitnesses(
            known or self.known,
            transport=self.network,
            patience=20,
        )
        self.closer = Closer(self.world.store, self.world.clock, asker)

    def rotate(self, name: str) -> None:
        self.witnesses[name].rotate_keys(lambda keys: self.kept.update({name: keys}))

    def retire(self, name: str) -> None:
        self.witnesses[name].retire_keys(lambda keys: self.kept.update({name: keys}))

    def close(self) -> Close:
        self.sales += 1
        self.sell(str(self.sales))
        return Close.from_event(self.closer.now(self.merchant), self.merchant.origin)

    def logged(self) -> list[Handover]:
        with self.world.store.read() as connection:
            events = events_of(connection, self.merchant.origin, [WITNESS_ROTATED])
        return [Handover.parse(event) for _, event in events]

    def numbers(self) -> list[int]:
        """Of the closes that readers accept."""
        return [number for number, _, _ in self.closes()]


@pytest.fixture
def changing(world: World, tmp_path: Path) -> Iterator[Changing]:
    with ExitStack() as stack:
        yield Changing(world, tmp_path, stack)


def test_closes_go_on_when_the_keys_change(changing: Changing) -> None:
    changing.close()
    changing.rotate(W1)
    changing.close()
    changing.rotate(W2)
    changing.retire(W1)
    changing.close()
    changing.retire(W2)
    changing.close()
    assert changing.numbers() == [0, 1, 2, 3]
    assert [h.old.name for h in changing.logged()] == [W1, W2]
    assert changing.logged()[0].new == changing.kept[W1].seed_signer.verifier


def test_keys_that_have_changed_several_times_since_the_last_close(changing: Changing) -> None:
    changing.close()
    for _ in range(3):
        changing.rotate(W1)
        changing.retire(W1)
    changing.close()
    assert changing.numbers() == [0, 1]
    assert len(changing.logged()) == 3


@pytest.mark.parametrize("configured", ["old", "new"])
def test_after_a_restart_the_event_log_leads_on(changing: Changing, configured: str) -> None:
    changing.rotate(W1)
    changing.retire(W1)
    changing.close()
    new = RemoteSeedWitness(f"https://{W1}", changing.kept[W1].seed_signer.verifier)
    changing.restart(new if configured == "new" else changing.known[0], changing.known[1])
    changing.network.looked.clear()
    changing.close()
    assert changing.numbers() == [0, 1]
    assert changing.network.looked == []


def test_a_configuration_that_knows_the_new_key_before_the_log_does(changing: Changing) -> None:
    changing.close()
    changing.rotate(W1)
    changing.retire(W1)
    new = RemoteSeedWitness(f"https://{W1}", changing.kept[W1].seed_signer.verifier)
    changing.restart(new, changing.known[1])
    changing.close()
    assert changing.numbers() == [0, 1]


# ---- crashes


def test_a_crash_between_the_signature_of_the_old_key_and_the_close(changing: Changing) -> None:
    """The period of a manual log is signed for ever: with the old key, and it must close it."""
    changing.close()
    changing.network.down = {W2}
    with pytest.raises(NotSigned):
        changing.close()
    changing.rotate(W1)
    changing.retire(W1)
    changing.network.down = set()
    changing.close()
    assert changing.logged() == []  # this period was the old key's
    changing.close()
    assert len(changing.logged()) == 1
    assert changing.numbers() == [0, 1, 2]


def test_a_crash_between_the_handover_and_the_close(changing: Changing) -> None:
    changing.close()
    changing.rotate(W1)
    changing.network.down = {W2}
    with pytest.raises(NotSigned, match=W2):
        changing.close()
    assert len(changing.logged()) == 1  # and the service is killed
    changing.restart()
    changing.network.down = set()
    changing.close()
    assert (changing.numbers(), len(changing.logged())) == ([0, 1], 1)


def test_a_later_key_is_heard_of_only_when_its_period_comes(changing: Changing) -> None:
    """The second key has signed this period, and no other can; the third is there already."""
    changing.close()
    changing.rotate(W1)
    changing.retire(W1)
    changing.network.down = {W2}
    for shown in (httpx.Response(404), None):
        changing.network.shown = {W1: shown} if shown else {}
        with pytest.raises(NotSigned):
            changing.close()
        changing.rotate(W1)
        changing.retire(W1)
    changing.network.down = set()
    changing.close()
    assert len(changing.logged()) == 1
    changing.close()
    assert len(changing.logged()) == 3
    assert changing.numbers() == [0, 1, 2]


def test_another_process_hears_of_a_later_key_before_this_one_closes(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the old key has signed would be no close any more, and the log could not go on."""
    changing.close()
    answer = changing.witnesses[W2].sign_seed

    def meanwhile(request: bytes) -> SignedEnd:
        changing.rotate(W1)
        world, shown = changing.world, changing.witnesses[W1].handovers()
        keys = [changing.known[0].key]
        record_handovers(world.store, world.clock, changing.merchant.origin, keys, shown)
        return answer(request)

    monkeypatch.setattr(changing.witnesses[W2], "sign_seed", meanwhile)
    with pytest.raises(NotSigned, match=W1):
        changing.close()
    assert len(changing.logged()) == 1
    with changing.world.store.read() as connection:
        recorded = events_of(connection, changing.merchant.origin, [CLOSED])
    assert len(list(recorded)) == len(changing.numbers()) == 1


# ---- attacks


def answer(*handovers: Handover) -> httpx.Response:
    lines = "".join(handover.line() for handover in handovers)
    return httpx.Response(200, stream=httpx.ByteStream(lines.encode()))


def seed_key(number: int, letter: bytes) -> Signer:
    return Signer(f"w{number}.example", letter * 32)


OLD = seed_key(1, b"\x01")
GOOD = Handover.sign(OLD, seed_key(1, b"n"))


@pytest.mark.parametrize(
    "shown",
    [
        answer,
        lambda: answer(GOOD),  # to a key that has not signed this close
        lambda: answer(Handover.sign(seed_key(2, b"\x02"), seed_key(2, b"n"))),
        lambda: answer(Handover.sign(seed_key(1, b"x"), seed_key(1, b"n"))),
        lambda: answer(GOOD, Handover.sign(OLD, seed_key(1, b"m"))),
        lambda: httpx.Response(302, headers={"Location": "https://w2.example/handovers"}),
        lambda: httpx.Response(404),
        lambda: httpx.Response(200, stream=httpx.ByteStream(b"\xff" * (5 << 20))),
        lambda: httpx.Response(200, stream=httpx.ByteStream(b"junk")),
        lambda: httpx.Response(
            200,
            stream=httpx.ByteStream(GOOD.line().replace(GOOD.line()[-8:], "AAAAAA==\n").encode()),
        ),
    ],
)
def test_without_a_true_handover_the_log_waits_and_says_so(
    changing: Changing, shown: Callable[[], httpx.Response]
) -> None:
    changing.close()
    changing.rotate(W1)
    changing.network.shown[W1] = shown()
    with pytest.raises(NotSigned, match=W1):
        changing.close()
    assert changing.numbers() == [0]
    changing.network.shown.clear()
    changing.close()
    assert changing.numbers() == [0, 1]


def replaying(changing: Changing, keys: WitnessKeys, period: int) -> None:
    """The first witness's answers are replaced by what these keys sign for ``period``."""
    honest = changing.network.handle_request

    def replay(request: httpx.Request) -> httpx.Response:
        answered = honest(request)
        if request.url.host != W1 or request.url.path != "/sign-seed":
            return answered
        line = b"".join(answered.iter_raw()).decode()
        end = replace(SignedEnd.parse(line, changing.merchant.origin).end, period=period)
        signed = SignedEnd(end, keys.seed_signer.sign(end.message()))
        return httpx.Response(200, stream=httpx.ByteStream(signed.line().encode()))

    changing.network.handle_request = replay  # type: ignore[method-assign]


def test_a_signature_of_another_period_leads_to_no_later_key(changing: Changing) -> None:
    """Such as one that was published before the log came back from a backup."""
    changing.network.down = {W2}
    with pytest.raises(NotSigned, match=W2):
        changing.close()  # signed by the old key, and by no other for ever
    changing.rotate(W1)
    changing.retire(W1)
    changing.network.down = set()
    honest = changing.network.handle_request
    replaying(changing, changing.kept[W1], period=1)
    with pytest.raises(NotSigned, match=W1):
        changing.close()
    assert changing.logged() == []
    changing.network.handle_request = honest  # type: ignore[method-assign]
    changing.close()
    assert changing.numbers() == [0]


def test_a_seed_witness_cannot_fill_the_event_log(changing: Changing) -> None:
    """It has changed its key twenty times; the log needs some days to follow."""
    keys = [WitnessKeys(W1, *[bytes([100 + n]) * 32] * 3) for n in range(20)]
    steps = pairwise([OLD, *(each.seed_signer for each in keys)])
    lines = "".join(Handover.sign(*step).line() for step in steps).encode()
    replaying(changing, keys[-1], period=0)
    for day, logged in enumerate((8, 16, 20)):
        for _ in range(2 if day < 2 else 1):
            changing.restart()
            changing.network.shown[W1] = httpx.Response(200, stream=httpx.ByteStream(lines))
            with pytest.raises(NotSigned) if day < 2 else nullcontext():
                changing.close()
            assert len(changing.logged()) == logged
        changing.world.clock.advance(days=1)
    assert changing.numbers() == [0]


def test_a_witness_that_goes_back_to_its_old_key_is_not_followed(changing: Changing) -> None:
    """Whoever has stolen the retired key, and answers in the place of the witness."""
    changing.close()
    changing.rotate(W1)
    changing.close()
    honest = changing.network.handle_request
    replaying(changing, WitnessKeys(W1, *[b"\x01" * 32] * 3), period=2)
    with pytest.raises(NotSigned, match="does not follow"):
        changing.close()
    changing.network.handle_request = honest  # type: ignore[method-assign]
    changing.close()
    assert changing.numbers() == [0, 1, 2]


def test_two_signatures_of_one_period_make_one_close(changing: Changing) -> None:
    """A merchant with a stolen old key has both, and the first close that it logs counts."""
    changing.rotate(W1)
    close = changing.close()
    origin = changing.merchant.origin
    with changing.world.store.read() as connection:
        declaration = read_declaration(connection, origin)
    fold = CloseFold(declaration, lambda _: close.root)
    message = seed_message(origin, close.period, close.size, close.root)
    other = replace(close, signatures=(OLD.sign(message), close.signatures[1]))
    for handover in changing.logged():
        fold.hand_over(handover.members())
    time = "2026-11-21T12:00:00Z"
    fold.accept(close.to_event(origin, time))
    for number in (0, 1):
        with pytest.raises(KvittoError):
            fold.accept(replace(other, number=number).to_event(origin, time))
