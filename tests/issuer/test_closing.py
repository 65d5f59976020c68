from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from threading import Event

import httpx
import pytest

from commitments.errors import FormatError, Refused, VerificationError
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from issuer.orders import Order
from ledger.closed import ClosedLogs
from ledger.closes import Close
from ledger.note import Signer
from ledger.seed_witnesses import NotSigned, SeedWitnesses, parse_seed_witnesses
from ledger.seeding import PeriodEnd
from ledger.witness_client import RemoteSeedWitness
from tests.world import ORIGIN, World, new_keys, new_request
from witness.keys import WitnessKeys
from witness.service import Witness

DAILY = Merchant("daily", "Daily", "ledger.example/daily")


def _closes(world: World, origin: str) -> list[tuple[int, int, int]]:
    with world.store.read() as connection:
        closes = ClosedLogs().partition(connection, origin).closes
    return [(close.number, close.period, close.size) for close in closes]


def test_a_close_by_call_records_size_and_root(world: World) -> None:
    world.buy(world.sale(), world.sale())
    event = world.closer.now(world.merchant)
    close = Close.from_event(event, ORIGIN)
    with world.store.log(ORIGIN) as log:
        assert (close.size, close.root) == (2, log.root(2))
    world.buy(world.sale())
    world.close()
    assert _closes(world, ORIGIN) == [(0, 0, 2), (1, 1, 3)]


def test_a_daily_log_closes_each_utc_day_by_itself(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    assert world.closer.due() == 0  # an empty log has nothing to close
    order = Order("1", world.sale(), new_request("1", new_keys(), DAILY.origin))
    world.issuer.record(DAILY, order)
    assert world.closer.due() == 1  # yesterday, with what is there by now
    assert world.closer.due() == 0
    world.clock.advance(days=1)
    assert world.closer.due() == 1
    world.clock.advance(days=10)  # the service was down
    assert world.closer.due() == 1
    day = (world.clock().date() - type(world.clock().date())(1970, 1, 1)).days
    assert _closes(world, DAILY.origin) == [(0, day - 12, 1), (1, day - 11, 1), (2, day - 1, 1)]


def test_a_clock_that_goes_back_closes_nothing_twice(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    order = Order("1", world.sale(), new_request("1", new_keys(), DAILY.origin))
    world.issuer.record(DAILY, order)
    assert world.closer.due() == 1
    world.clock.advance(days=-3)
    assert world.closer.due() == 0


def test_a_daily_log_is_not_closed_by_a_call(world: World) -> None:
    create_merchant(world.store, P256, world.clock, DAILY)
    with pytest.raises(Refused) as refused:
        world.closer.now(DAILY)
    assert refused.value.code == "not-manual"


def test_manual_logs_are_left_alone_by_the_daily_close(world: World) -> None:
    world.buy(world.sale())
    assert world.closer.due() == 0
    assert _closes(world, ORIGIN) == []


def test_a_log_that_cannot_be_closed_does_not_keep_the_others_from_it(world: World) -> None:
    for name in ("aaa", "zzz"):
        merchant = Merchant(name, name, f"ledger.example/{name}")
        create_merchant(world.store, P256, world.clock, merchant)
        order = Order("1", world.sale(), new_request("1", new_keys(), merchant.origin))
        world.issuer.record(merchant, order)
    with world.store._writer.begin() as connection:  # the first has lost its logs
        connection.exec_driver_sql(
            "UPDATE merchants SET origin = 'ledger.example/gone' WHERE id = 'aaa'"
        )
    with pytest.raises(ExceptionGroup) as broken:
        world.closer.due()
    assert len(broken.value.exceptions) == 1
    assert len(_closes(world, "ledger.example/zzz")) == 1


class SeedNetwork(httpx.BaseTransport):
    """Seed witnesses by host, without sockets; each can be down."""

    def __init__(self, witnesses: dict[str, Witness]) -> None:
        self.witnesses = witnesses
        self.down: set[str] = set()
        self.shown: dict[str, httpx.Response] = {}  # instead of the handovers
        self.looked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.down:
            raise httpx.ConnectError("down")
        if request.url.path == "/handovers":
            return self._handovers(request.url.host)
        signed = self.witnesses[request.url.host].sign_seed(request.read())
        return httpx.Response(200, stream=httpx.ByteStream(signed.line().encode()))

    def _handovers(self, host: str) -> httpx.Response:
        self.looked.append(host)
        if host in self.shown:
            return self.shown[host]
        lines = "".join(handover.line() for handover in self.witnesses[host].handovers())
        return httpx.Response(200, stream=httpx.ByteStream(lines.encode()))


class Signed:
    """A log that closes by calls, and its two seed witnesses."""

    def __init__(self, world: World, directory: Path, stack: ExitStack) -> None:
        self.world = world
        self.merchant = Merchant("signed", "Signed", "ledger.example/signed")
        keys = [WitnessKeys(f"w{n}.example", *[bytes([n]) * 32] * 3) for n in (1, 2)]
        self.witnesses = {
            k.name: stack.enter_context(
                Witness(f"sqlite:///{directory}/{k.name}.db", k, world.clock)
            )
            for k in keys
        }
        self.network = SeedNetwork(self.witnesses)
        self.known = [RemoteSeedWitness(f"https://{k.name}", k.seed_signer.verifier) for k in keys]
        declaration = create_merchant(
            world.store,
            P256,
            world.clock,
            self.merchant,
            period="manual",
            seed_witnesses=self.asker().keys,
        )
        for witness in self.witnesses.values():
            witness.watch(declaration.purchases)
            witness.sign_seeds(self.merchant.origin, "manual")
        self.closer = Closer(world.store, world.clock, self.asker())

    def asker(self, patience: float = 20) -> SeedWitnesses:
        return SeedWitnesses(self.known, transport=self.network, patience=patience)

    def sell(self, reference: str) -> None:
        request = new_request(reference, new_keys(), self.merchant.origin)
        order = Order(reference, self.world.sale(), request)
        self.world.issuer.record(self.merchant, order)

    def closes(self) -> list[tuple[int, int, int]]:
        return _closes(self.world, self.merchant.origin)  # with the rules of readers


@pytest.fixture
def signed(world: World, tmp_path: Path) -> Iterator[Signed]:
    with ExitStack() as stack:
        yield Signed(world, tmp_path, stack)


def test_a_close_has_the_signatures_of_the_seed_witnesses(signed: Signed) -> None:
    signed.sell("1")
    event = signed.closer.now(signed.merchant)
    assert len(event["signatures"]) == 2
    signed.sell("2")
    signed.closer.now(signed.merchant)
    assert signed.closes() == [(0, 0, 1), (1, 1, 2)]


@pytest.mark.parametrize("host", ["w1.example", "w2.example"])
def test_a_close_waits_for_its_seed_witnesses(signed: Signed, host: str) -> None:
    signed.sell("1")
    signed.network.down = {host}
    for reference in ("2", "3"):
        with pytest.raises(NotSigned, match=host):
            signed.closer.now(signed.merchant)
        signed.sell(reference)  # and the log grows meanwhile
    assert signed.closes() == []
    signed.network.down = set()
    signed.closer.now(signed.merchant)
    # What the first witness has signed counts, or its signature would be a second try.
    assert signed.closes() == [(0, 0, 3 if host == "w1.example" else 1)]
    signed.closer.now(signed.merchant)
    assert signed.closes()[1:] == [(1, 1, 3)]


def test_processes_that_close_at_once_agree(signed: Signed) -> None:
    closers = [Closer(signed.world.store, signed.world.clock, signed.asker()) for _ in range(4)]

    def work(n: int) -> None:
        signed.sell(str(n))
        closers[n].now(signed.merchant)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    closes = signed.closes()
    assert [close[:2] for close in closes] == [(n, n) for n in range(4)]
    assert closes[-1][2] == 4


def test_a_witness_that_nobody_told_us_of_keeps_the_log_open(signed: Signed) -> None:
    signed.sell("1")
    with pytest.raises(NotSigned, match=r"w1\.example"):
        signed.world.closer.now(signed.merchant)
    assert signed.closes() == []


def test_witnesses_that_signed_for_another_log_are_not_followed(signed: Signed) -> None:
    """As after an old copy of the database was put back."""
    origin = signed.merchant.origin
    other = PeriodEnd(origin, 0, 7, b"x" * 32)
    request = signed.world.store.write(lambda t: t.sign(origin, other.text())).serialise()
    for witness in signed.witnesses.values():
        witness.sign_seed(request)
    signed.sell("1")
    with pytest.raises(VerificationError, match="another log"):
        signed.closer.now(signed.merchant)
    assert signed.closes() == []


def test_a_seed_witness_that_lies_does_not_use_up_the_period_of_the_next(signed: Signed) -> None:
    origin = signed.merchant.origin
    other = PeriodEnd(origin, 0, 1, b"x" * 32)
    request = signed.world.store.write(lambda t: t.sign(origin, other.text())).serialise()
    signed.witnesses["w1.example"].sign_seed(request)
    signed.sell("1")
    with pytest.raises(VerificationError, match="another log"):
        signed.closer.now(signed.merchant)
    assert signed.witnesses["w2.example"].seeds(sha256(origin.encode()).digest(), 0) == []


def test_what_the_witnesses_signed_for_a_smaller_log_is_not_followed(signed: Signed) -> None:
    origin = signed.merchant.origin
    signed.sell("1")
    with signed.world.store.log(origin) as log:
        other = PeriodEnd(origin, 1, 1, log.root(1))
    signed.sell("2")
    signed.closer.now(signed.merchant)
    request = signed.world.store.write(lambda t: t.sign(origin, other.text())).serialise()
    signed.witnesses["w1.example"].sign_seed(request)
    with pytest.raises(VerificationError, match="smaller"):
        signed.closer.now(signed.merchant)
    assert signed.closes() == [(0, 0, 2)]


def test_witnesses_that_signed_differently_are_not_followed(signed: Signed) -> None:
    origin = signed.merchant.origin
    other = PeriodEnd(origin, 0, 7, b"x" * 32)
    request = signed.world.store.write(lambda t: t.sign(origin, other.text())).serialise()
    signed.witnesses["w2.example"].sign_seed(request)
    signed.sell("1")
    with pytest.raises(VerificationError, match="different"):
        signed.closer.now(signed.merchant)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://w2.example/"}),
        httpx.Response(200, stream=httpx.ByteStream(b"")),
        httpx.Response(200, stream=httpx.ByteStream(b"\xff" * 100_000)),
        httpx.Response(200, stream=httpx.ByteStream(b"0 1 " + b"A" * 43 + b"= junk\n")),
    ],
)
def test_a_witness_that_lies_is_as_one_that_is_down(
    signed: Signed, answer: httpx.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.sell("1")
    monkeypatch.setattr(signed.network, "handle_request", lambda _: answer)
    with pytest.raises(NotSigned):
        signed.closer.now(signed.merchant)
    monkeypatch.undo()
    signed.closer.now(signed.merchant)
    assert signed.closes() == [(0, 0, 1)]


def test_a_seed_witness_that_hangs_holds_up_nobody_for_long(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers that trickle are no timeout to httpx."""
    signed.sell("1")
    released, events = Event(), list[str]()

    def hang(_request: httpx.Request) -> httpx.Response:
        events.append("asked")
        released.wait(60)
        events.append("answered")
        return httpx.Response(500)

    monkeypatch.setattr(signed.network, "handle_request", hang)
    closer = Closer(signed.world.store, signed.world.clock, signed.asker(patience=0.5))
    try:
        with pytest.raises(NotSigned, match="in time"):
            closer.now(signed.merchant)
        with pytest.raises(NotSigned, match="earlier request"):
            closer.now(signed.merchant)
        assert events == ["asked"]
    finally:
        released.set()


def test_a_signature_of_another_key_is_no_signature(signed: Signed) -> None:
    signed.network.witnesses = dict(
        zip(signed.witnesses, reversed(signed.witnesses.values()), strict=True)
    )
    signed.sell("1")
    with pytest.raises(NotSigned, match="does not follow"):
        signed.closer.now(signed.merchant)


KEY = Signer("w1.example", b"1" * 32).verifier


def test_the_file_of_seed_witnesses_is_read() -> None:
    text = f"# ours\n\n{KEY.vkey} https://w1.example/prefix\n"
    assert parse_seed_witnesses(text.encode()) == [
        RemoteSeedWitness("https://w1.example/prefix", KEY)
    ]
    assert parse_seed_witnesses(b"") == []
    for bad in (
        KEY.vkey,
        f"{KEY.vkey} w1.example",
        f"{KEY.vkey} https://a https://b",
        f"{KEY.vkey[:-4]} https://a",
        f"{KEY.vkey} https://a\n{KEY.vkey} https://b",
        "\xff",
    ):
        with pytest.raises(FormatError):
            parse_seed_witnesses(bad.encode("latin-1"))
