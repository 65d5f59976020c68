"""What the wallet calls each lie of a server: with the log's key, without it, and of witnesses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.fork import ForkedLog, verify_fork
from ledger.monitor import OlderCheckpoint
from ledger.note import Note, Signer
from ledger.quorum import parse_quorum
from ledger.true_roots import FalseTiles
from sdk import UnexpectedAnswer, Wallet
from tests.sdk.forgeries import PrivateLog, all_entries
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN

SECONDS = 1_795_248_000
WITNESSES: list[Cosigner] = [
    Ed25519Cosigner("witness.example/w1", b"1" * 32),
    MlDsaCosigner("witness.example/w2", b"2" * 32),
]
POLICY = parse_quorum(
    "".join(f"witness w{n} {w.verifier.vkey}\n" for n, w in enumerate(WITNESSES)).encode()
    + b"group both all w0 w1\nquorum both\n"
)
CHECKPOINT = "/logs/acme/purchases/checkpoint"
OTHER = b"\x01" + b"\x02" * 33

Lie = Callable[[bytes], Any]


def cosigned(note: bytes, *cosigners: int, of: bytes = b"", junk: bool = False) -> bytes:
    """The note with cosignatures, which may be those of another, or no cosignatures."""
    own = Note.parse(note)
    signed = Note.parse(of or note).text
    lines = [WITNESSES[n].cosign(signed, SECONDS) for n in cosigners]
    if junk:
        lines = [replace(line, signature=bytes(len(line.signature))) for line in lines]
    return Note(own.text, (*own.signatures, *lines)).serialise()


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """A wallet with one closed purchase, which has seen the log and wants both witnesses."""
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    server.sell(server.wallet(), "1002")
    wallet.require_quorum(server.shop(), POLICY)
    return wallet


def look(server: ShopServer, wallet: Wallet, lie: Lie) -> int:
    """The ring's size when the purchase log's checkpoint is exchanged; all is cosigned."""

    def event_log(answer: Any) -> Any:
        if "checkpoint" in answer:
            return {**answer, "checkpoint": cosigned(answer["checkpoint"].encode(), 0, 1).decode()}
        return answer

    def keys(answer: Any) -> Any:
        return {"history": [event_log(evidence) for evidence in answer["history"]]}

    server.lies |= {
        "/events": event_log,
        "/keys.json": keys,
        "/ring": event_log,
        CHECKPOINT: lie,
    }
    return wallet.preview(server.shop(), "warranty-2y", remedy="repair").ring_size


def both(note: bytes) -> bytes:
    return cosigned(note, 0, 1)


def other_note(server: ShopServer, entries: list[bytes]) -> bytes:
    return both(PrivateLog(server, ORIGIN, entries).note)


def of_another_key(note: bytes) -> bytes:
    return both(Signer(ORIGIN, b"s" * 32).sign_note(Note.parse(note).text).serialise())


def redirect(_: bytes) -> httpx.Response:
    return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})


def signed_by_the_log(server: ShopServer, text: str) -> bytes:
    return both(server.signer(ORIGIN).sign_note(text).serialise())


LIES: dict[str, tuple[Callable[[ShopServer], Lie], type[KvittoError], str]] = {
    "fork at the same size": (
        lambda s: lambda _: other_note(s, [OTHER, *all_entries(s.world)[1:9]]),
        ForkedLog,
        "has forked",
    ),
    "fork after a close": (
        lambda s: lambda _: other_note(s, [OTHER, *all_entries(s.world)[1:]]),
        FalseTiles,  # whose tiles are those of the other branch
        "another root",
    ),
    "replayed checkpoint": (
        lambda s: lambda _: other_note(s, all_entries(s.world)[:8]),
        OlderCheckpoint,
        "an old checkpoint",
    ),
    "no cosignature": (lambda _: lambda note: note, VerificationError, "by a quorum"),
    "one cosignature": (lambda _: lambda n: cosigned(n, 0), VerificationError, "by a quorum"),
    "twice the same": (lambda _: lambda n: cosigned(n, 1, 1), VerificationError, "by a quorum"),
    "forged Ed25519": (
        lambda _: lambda n: cosigned(n, 0, junk=True),
        VerificationError,
        "Ed25519 .* does not hold",
    ),
    "forged ML-DSA": (
        lambda _: lambda n: cosigned(n, 1, junk=True),
        VerificationError,
        "ML-DSA-44 .* does not hold",
    ),
    "Ed25519 of another": (
        lambda s: lambda n: cosigned(n, 0, of=other_note(s, [OTHER])),
        VerificationError,
        "Ed25519 .* does not hold",
    ),
    "ML-DSA of another": (
        lambda s: lambda n: cosigned(n, 1, of=other_note(s, [OTHER])),
        VerificationError,
        "ML-DSA-44 .* does not hold",
    ),
    "wrong key": (lambda _: of_another_key, VerificationError, "the log has not signed it"),
    "wrong origin": (
        lambda s: lambda n: signed_by_the_log(s, f"other{Note.parse(n).text}"),
        VerificationError,
        "of another log",
    ),
    "extension lines": (
        lambda s: lambda n: signed_by_the_log(s, f"{Note.parse(n).text}more\n"),
        FormatError,
        "three lines",
    ),
    "forged signature": (
        lambda _: lambda n: both(n.replace(b"\n10\n", b"\n11\n")),
        VerificationError,
        "Ed25519 .* does not hold",
    ),
    "huge note": (lambda _: lambda n: n * 2000, UnexpectedAnswer, "longer than"),
    "no note": (lambda _: lambda _: b"<html>", FormatError, "signature lines"),
    "redirect": (lambda _: redirect, UnexpectedAnswer, "redirect"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_the_checkpoint_is_named(server: ShopServer, wallet: Wallet, name: str) -> None:
    lie, error, why = LIES[name]
    before = wallet._state
    with pytest.raises(error, match=why) as caught:
        look(server, wallet, lie(server))
    assert wallet._state == before
    if isinstance(caught.value, ForkedLog):
        shown = verify_fork(caught.value.fork, before.merchants[ORIGIN].purchases_keys)
        assert [checkpoint.size for checkpoint in shown] == [9, 9]
    assert look(server, wallet, both) == 9
    assert wallet._state != before


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda tile: tile[:-32], "not the length"),
        (lambda tile: tile + tile[:32], "not the length"),
        (lambda _: b"", "not the length"),
        (lambda tile: bytes([tile[0] ^ 1]) + tile[1:], "another root"),
        (lambda tile: tile[32:] + tile[:32], "another root"),
    ],
)
def test_a_lie_about_tiles_is_named_and_no_fork(
    server: ShopServer, wallet: Wallet, lie: Lie, why: str
) -> None:
    server.lies["/purchases/tile/"] = lie
    with pytest.raises(FalseTiles, match=why):
        look(server, wallet, both)
    server.lies.clear()
    assert look(server, wallet, both) == 9
