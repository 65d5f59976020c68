"""Asking one witness over HTTP: for cosignatures (c2sp tlog-witness), or to sign a close.

It may be down, slow, or lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import parse_decimal
from ledger.add_checkpoint import AddCheckpoint
from ledger.cosignature import CosignerKey
from ledger.note import Note, Signature, Verifier, verify_note
from ledger.seeding import SignedEnd

__all__ = ["RemoteSeedWitness", "RemoteWitness", "StaleProof", "Unavailable", "witness_connections"]

_WAIT = httpx.Timeout(2)  # seconds; who waits is a shop's cash desk
_LONGEST = 64 * 1024  # bytes of an answer; an ML-DSA-44 signature takes 3.3 kB


class Unavailable(KvittoError):  # noqa: N818 - the name is the condition
    """The witness does not cosign now: it gives no answer, or one that is no cosignature."""


class StaleProof(KvittoError):  # noqa: N818 - as Unavailable
    """The witness has cosigned another size last, which is ``size``."""

    def __init__(self, size: int) -> None:
        super().__init__("the witness has cosigned another size")
        self.size = size


def witness_connections(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Connections to witnesses; ``transport`` in the place of the network."""
    return httpx.Client(
        transport=transport,
        follow_redirects=False,
        headers={"User-Agent": "kvitto", "Accept-Encoding": "identity"},
    )


@dataclass(frozen=True)
class RemoteWitness:
    """The witness at ``url``, its submission prefix, with these keys."""

    url: str
    keys: tuple[CosignerKey, ...]

    def add_checkpoint(self, client: httpx.Client, request: AddCheckpoint) -> list[Signature]:
        """The witness's cosignatures, verified; :class:`StaleProof` or :class:`Unavailable`."""
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
    """The seed witness at ``url`` with this key."""

    url: str
    key: Verifier

    def sign(self, client: httpx.Client, request: Note, origin: str) -> SignedEnd:
        """What the witness has signed for the period of ``request``; or :class:`Unavailable`.

        The signature is verified. It may be over another end of the same period of ``origin``,
        which was asked for before.
        """
        status, body = _post(client, self.url, "sign-seed", request.serialise())
        _require_ok(status)
        try:
            signed = SignedEnd.parse(body.decode("ascii"), origin)
            signed.verify(self.key)
        except (FormatError, VerificationError, UnicodeDecodeError):
            raise Unavailable("the witness's answer is no signed end of a period") from None
        return signed


def _post(client: httpx.Client, prefix: str, path: str, body: bytes) -> tuple[int, bytes]:
    answer = bytearray()
    url = f"{prefix.rstrip('/')}/{path}"
    try:
        with client.stream("POST", url, content=body, timeout=_WAIT) as response:
            for chunk in response.iter_raw():  # compressed, it could unpack without end
                answer += chunk
                if len(answer) > _LONGEST:
                    raise Unavailable("the witness's answer is too long")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise Unavailable(f"no answer ({type(error).__name__})") from None
    return response.status_code, bytes(answer)


def _require_ok(status: int) -> None:
    if status != httpx.codes.OK:
        raise Unavailable(f"the witness answers with status {status}")


def _size(body: bytes) -> int:
    try:
        text = body.decode("ascii")
        return parse_decimal(text.removesuffix("\n"), "size")
    except (FormatError, UnicodeDecodeError):
        raise Unavailable("the witness names no size") from None


def _cosignatures(note: bytes, lines: bytes, keys: Sequence[CosignerKey]) -> list[Signature]:
    """The lines by known keys, after all of them have been verified under the note."""
    whole = note + lines
    text, signed = verify_note(whole, keys)
    if text != Note.parse(note).text:  # with an empty line in the answer, another text was signed
        raise VerificationError("the witness has put something below the checkpoint")
    known = {(key.name, key.key_id) for key in signed}
    return [s for s in Note.parse(whole).signatures if (s.name, s.key_id) in known]
