"""Asking one witness over HTTP: for cosignatures (c2sp tlog-witness), or to sign a close.

Or which of its keys have followed which. It may be down, slow, or lie.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import parse_decimal
from ledger.add_checkpoint import AddCheckpoint
from ledger.careful_client import careful_client
from ledger.cosignature import CosignerKey
from ledger.handover import Handover, parse_handovers
from ledger.note import Note, Signature, Verifier, is_signed_by, verify_note
from ledger.seeding import SignedEnd

__all__ = [
    "Cosigned",
    "OtherKeys",
    "RemoteSeedWitness",
    "RemoteWitness",
    "StaleProof",
    "TooSlow",
    "Unavailable",
    "WitnessThread",
    "fetch_handovers",
    "witness_connections",
]

T = TypeVar("T")

_WAIT = 2.0  # seconds without a byte, and for a whole body; who waits is a shop's cash desk
_LONGEST = 64 * 1024  # bytes of an answer; an ML-DSA-44 signature takes 3.3 kB
_LONGEST_HANDOVERS = 4 << 20  # bytes; to change all three keys each week takes 0.6 MB a year


class Unavailable(KvittoError):  # noqa: N818 - the name is the condition
    """The witness does not cosign now: it gives no answer, or one that is no cosignature."""


class TooSlow(Unavailable):
    """It has not answered in time, and may not the next time either."""


class OtherKeys(Unavailable):
    """It has signed, and not with a key that is known here: perhaps they have changed."""


class StaleProof(KvittoError):  # noqa: N818 - as Unavailable
    """The witness has cosigned another size last, which is ``size``."""

    def __init__(self, size: int) -> None:
        super().__init__("the witness has cosigned another size")
        self.size = size


def witness_connections(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Connections to witnesses; ``transport`` in the place of the network."""
    return careful_client(_WAIT, transport=transport)


class WitnessThread:
    """The thread that asks one witness: one that hangs holds up nobody but itself.

    It may hang for as long as it likes, in headers that trickle and never end.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "witness")
        self._late: Future[Any] | None = None

    @property
    def is_free(self) -> bool:
        """Whether the witness has answered all that is no longer waited for."""
        return self._late is None or self._late.done()

    def submit(self, ask: Callable[[], T]) -> "Future[T]":
        """Ask after all that was submitted before."""
        return self._thread.submit(ask)

    def give_up(self, question: "Future[T]") -> bool:
        """Wait no longer; whether it had been asked already."""
        if question.cancel():
            return False
        self._late = question
        return True

    def close(self) -> None:
        """Ask nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Cosigned:
    """Verified cosignatures, and whether there were more by other keys under the same name."""

    signatures: tuple[Signature, ...]
    others: bool


@dataclass(frozen=True)
class RemoteWitness:
    """The witness at ``url``, its submission prefix, with these keys."""

    url: str
    keys: tuple[CosignerKey, ...]

    def add_checkpoint(self, client: httpx.Client, request: AddCheckpoint) -> Cosigned:
        """The witness's cosignatures, verified; :class:`StaleProof` or :class:`Unavailable`.

        :class:`OtherKeys` if all are by keys of its name that are not known.
        """
        status, body = _post(client, self.url, "add-checkpoint", request.serialise())
        if status == httpx.codes.CONFLICT:
            raise StaleProof(_size(body))
        _require_ok(status)
        try:
            return _cosignatures(request.checkpoint, body, self.keys)
        except (FormatError, VerificationError):
            raise Unavailable("the witness's answer is no cosignature of this") from None


@dataclass(frozen=True)
class RemoteSeedWitness:
    """The seed witness at ``url`` with this key, or one that has followed it since."""

    url: str
    key: Verifier

    def sign(self, client: httpx.Client, request: Note, origin: str) -> SignedEnd:
        """What the witness has signed for the period of ``request``; or :class:`Unavailable`.

        The signature is not verified. It may be over another end of the same period of
        ``origin``, which was asked for before.
        """
        status, body = _post(client, self.url, "sign-seed", request.serialise())
        _require_ok(status)
        try:
            return SignedEnd.parse(body.decode("ascii"), origin)
        except (FormatError, UnicodeDecodeError):
            raise Unavailable("the witness's answer is no signed end of a period") from None


def fetch_handovers(client: httpx.Client, url: str) -> list[Handover]:
    """Which keys of the witness at ``url`` have followed which; or :class:`Unavailable`.

    Both signatures of each are verified. Whose keys they are is not known here.
    """
    status, body = _request(client, "GET", url, "handovers", b"", _LONGEST_HANDOVERS)
    _require_ok(status)
    try:
        return parse_handovers(body)
    except (FormatError, VerificationError):
        raise Unavailable("the witness's answer is no list of handovers") from None


def _post(client: httpx.Client, prefix: str, path: str, body: bytes) -> tuple[int, bytes]:
    return _request(client, "POST", prefix, path, body, _LONGEST)


def _request(
    client: httpx.Client, method: str, prefix: str, path: str, body: bytes, longest: int
) -> tuple[int, bytes]:
    url = f"{prefix.rstrip('/')}/{path}"
    try:
        with client.stream(method, url, content=body) as response:
            return response.status_code, _read(response, longest)
    except Unavailable:
        raise
    except httpx.TimeoutException:
        raise TooSlow("no answer in time") from None
    # Not httpx.HTTPError: httpx reads even a redirect that is not followed, and lets through what
    # its parsers raise. Whatever a witness answers, it must not stop the log.
    except Exception as error:  # noqa: BLE001
        raise Unavailable(f"no answer ({type(error).__name__})") from None


def _read(response: httpx.Response, longest: int) -> bytes:
    until = time.monotonic() + _WAIT
    answer = bytearray()
    for chunk in response.iter_raw():  # compressed, it could unpack without end
        answer += chunk
        if len(answer) > longest:
            raise Unavailable("the witness's answer is too long")
        if time.monotonic() > until:
            raise TooSlow("the witness's answer trickles")
    return bytes(answer)


def _require_ok(status: int) -> None:
    if status != httpx.codes.OK:
        raise Unavailable(f"the witness answers with status {status}")


def _size(body: bytes) -> int:
    try:
        text = body.decode("ascii")
        return parse_decimal(text.removesuffix("\n"), "size")
    except (FormatError, UnicodeDecodeError):
        raise Unavailable("the witness names no size") from None


def _cosignatures(note: bytes, lines: bytes, keys: Sequence[CosignerKey]) -> Cosigned:
    """The lines by known keys, after all of them have been verified under the note."""
    whole = note + lines
    names = {key.name for key in keys}
    known = {(key.name, key.key_id) for key in keys}
    added = Note.parse(whole).signatures[len(Note.parse(note).signatures) :]
    others = any(s.name in names and (s.name, s.key_id) not in known for s in added)
    if others and not is_signed_by(whole, keys):
        raise OtherKeys("the witness has signed with other keys than those that are known")
    text, signed = verify_note(whole, keys)
    if text != Note.parse(note).text:  # an empty line in the answer makes the note another one
        raise VerificationError("the witness has signed another text")
    known = {(key.name, key.key_id) for key in signed}
    signatures = (s for s in Note.parse(whole).signatures if (s.name, s.key_id) in known)
    return Cosigned(tuple(signatures), others)
