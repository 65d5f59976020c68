"""Asking one witness over HTTP (c2sp tlog-witness). It may be down, slow, or lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import parse_decimal
from ledger.add_checkpoint import AddCheckpoint
from ledger.cosignature import CosignerKey
from ledger.note import Note, Signature, verify_note

__all__ = ["RemoteWitness", "StaleProof", "Unavailable"]

_WAIT = httpx.Timeout(2)  # seconds; who waits is a shop's cash desk
_LONGEST = 64 * 1024  # bytes of an answer; an ML-DSA-44 signature takes 3.3 kB


class Unavailable(KvittoError):  # noqa: N818 - the name is the condition
    """The witness does not cosign now: it gives no answer, or one that is no cosignature."""


class StaleProof(KvittoError):  # noqa: N818 - as Unavailable
    """The witness has cosigned another size last, which is ``size``."""

    def __init__(self, size: int) -> None:
        super().__init__("the witness has cosigned another size")
        self.size = size


@dataclass(frozen=True)
class RemoteWitness:
    """The witness at ``url``, its submission prefix, with these keys."""

    url: str
    keys: tuple[CosignerKey, ...]

    def add_checkpoint(self, client: httpx.Client, request: AddCheckpoint) -> list[Signature]:
        """The witness's cosignatures, verified; :class:`StaleProof` or :class:`Unavailable`."""
        status, body = self._post(client, request.serialise())
        if status == httpx.codes.CONFLICT:
            raise StaleProof(_size(body))
        if status != httpx.codes.OK:
            raise Unavailable(f"the witness answers with status {status}")
        try:
            return _cosignatures(request.checkpoint, body, self.keys)
        except (FormatError, VerificationError):
            raise Unavailable("the witness's answer is no cosignature of this") from None

    def _post(self, client: httpx.Client, body: bytes) -> tuple[int, bytes]:
        answer = bytearray()
        url = f"{self.url.rstrip('/')}/add-checkpoint"
        try:
            with client.stream("POST", url, content=body, timeout=_WAIT) as response:
                for chunk in response.iter_raw():  # compressed, it could unpack without end
                    answer += chunk
                    if len(answer) > _LONGEST:
                        raise Unavailable("the witness's answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unavailable(f"no answer ({type(error).__name__})") from None
        return response.status_code, bytes(answer)


def _size(body: bytes) -> int:
    try:
        text = body.decode("ascii")
        return parse_decimal(text.removesuffix("\n"), "size")
    except (FormatError, UnicodeDecodeError):
        raise Unavailable("the witness names no size") from None


def _cosignatures(note: bytes, lines: bytes, keys: Sequence[CosignerKey]) -> list[Signature]:
    """The lines by known keys, after all of them have been verified under the note."""
    whole = note + lines
    _, signed = verify_note(whole, keys)
    known = {(key.name, key.key_id) for key in signed}
    return [s for s in Note.parse(whole).signatures if (s.name, s.key_id) in known]
