"""Handovers (docs/protocol.md 4, *Keys of witnesses*): a key of a witness names its successor.

Both keys sign. So nobody can be given a key that is not his, and whoever trusts the old key needs
nothing else to trust the new one: a handover is of no log and serves all.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, lp, parse_base64
from ledger.cosignature import Cosigner, CosignerKey, parse_cosigner
from ledger.note import Signer, TypedKey, Verifier, parse_vkey

__all__ = [
    "NO_HANDOVERS",
    "Handover",
    "Succession",
    "WitnessKey",
    "parse_handovers",
    "parse_witness_key",
]

_DOMAIN = b"kvitto-witness-rotation/v1"
_MEMBERS = ("vkey", "next_vkey", "signature", "next_signature")

WitnessKey = CosignerKey | Verifier
"""A key of a witness: it cosigns, or it signs closes."""


@dataclass(frozen=True)
class Handover:
    """``old`` names ``new`` its successor, and both have signed it."""

    old: WitnessKey
    new: WitnessKey
    signature: bytes
    next_signature: bytes

    def __post_init__(self) -> None:
        """``VerificationError`` for keys of two names or kinds, and unless both have signed."""
        if (self.old.name, type(self.old)) != (self.new.name, type(self.new)):
            raise VerificationError("handover: the successor is of another name or kind")
        message = _message(self.old, self.new)
        _verify(self.old, message, self.signature)
        _verify(self.new, message, self.next_signature)

    @classmethod
    def sign(cls, old: Cosigner | Signer, new: Cosigner | Signer) -> "Handover":
        """From the private keys of both."""
        message = _message(old.verifier, new.verifier)
        return cls(old.verifier, new.verifier, _sign(old, message), _sign(new, message))

    def members(self) -> dict[str, str]:
        """As members of an event; signatures are base64."""
        values = (
            self.old.vkey,
            self.new.vkey,
            encode_base64(self.signature),
            encode_base64(self.next_signature),
        )
        return dict(zip(_MEMBERS, values, strict=True))

    @classmethod
    def parse(cls, members: Mapping[str, Any]) -> "Handover":
        """Read the members, among others; ``FormatError`` or ``VerificationError``."""
        for name in _MEMBERS:
            if not isinstance(members.get(name), str):
                raise FormatError("not text", name)
        return cls(
            parse_witness_key(members["vkey"]),
            parse_witness_key(members["next_vkey"]),
            parse_base64(members["signature"], "signature"),
            parse_base64(members["next_signature"], "next_signature"),
        )

    def line(self) -> str:
        """In one line, as witnesses publish it."""
        return " ".join(self.members().values()) + "\n"


@dataclass(frozen=True)
class Succession:
    """Handovers in their order: of each key at most one, and never back to a key that was known."""

    handovers: tuple[Handover, ...] = ()
    _next: Mapping[WitnessKey, WitnessKey] = field(default_factory=dict, repr=False, compare=False)
    _ids: AbstractSet[tuple[str, bytes]] = field(default=frozenset(), repr=False, compare=False)

    def after(self, *handovers: Handover) -> "Succession":
        """With some more; ``VerificationError`` if one is none that an honest witness makes."""
        following, ids = dict(self._next), set(self._ids)
        for handover in handovers:
            if handover.old in following:
                raise VerificationError("handover: one key of a witness has two successors")
            ids.add(_id(handover.old))
            if _id(handover.new) in ids:
                raise VerificationError("handover: the successor is no new key")
            following[handover.old] = handover.new
            ids.add(_id(handover.new))
        return Succession((*self.handovers, *handovers), following, ids)

    def digest(self) -> bytes:
        """SHA-256 over which key has followed which, in their order."""
        return sha256(b"".join(_message(each.old, each.new) for each in self.handovers)).digest()

    def chain(self, key: WitnessKey) -> tuple[Any, ...]:
        """The key and all that follow it, each of its kind."""
        chain = [key]
        while (following := self._next.get(chain[-1])) is not None:
            chain.append(following)
        return tuple(chain)

    def continued(self, key: WitnessKey, shown: Iterable[Handover], most: int) -> list[Handover]:
        """Those that are ``shown`` and follow on from ``key``, in their order; at most ``most``.

        ``VerificationError`` when one contradicts what is known, or another that is shown.
        """
        by_old: dict[WitnessKey, Handover] = {}
        for each in shown:
            others = (by_old.get(each.old, each).new, self._next.get(each.old, each.new))
            if any(other != each.new for other in others):
                raise VerificationError("handover: one key of a witness has two successors")
            by_old[each.old] = each
        found: list[Handover] = []
        newest = self.chain(key)[-1]
        while newest in by_old and len(found) < most:
            found.append(by_old[newest])
            newest = found[-1].new
        return found


NO_HANDOVERS = Succession()
"""All keys are those that they were."""


def parse_handovers(data: bytes) -> list[Handover]:
    """Read the lines that a witness publishes; errors as :meth:`Handover.parse`."""
    try:
        *lines, rest = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise FormatError("not UTF-8", "handovers") from None
    members = [line.split(" ") for line in lines]
    if rest or any(len(words) != len(_MEMBERS) for words in members):
        raise FormatError("not lines with handovers", "handovers")
    return [Handover.parse(dict(zip(_MEMBERS, words, strict=True))) for words in members]


def parse_witness_key(vkey: str) -> WitnessKey:
    """Read a key of a witness of any kind; ``FormatError`` for another type or a false id."""
    is_seed_key = TypedKey.parse(vkey).type == Verifier.TYPE
    return parse_vkey(vkey) if is_seed_key else parse_cosigner(vkey)


def _id(key: WitnessKey) -> tuple[str, bytes]:
    """What names it in a note: two keys with one id would hide each other there."""
    return key.name, key.key_id


def _verify(key: WitnessKey, message: bytes, signature: bytes) -> None:
    verify = key.verify if isinstance(key, Verifier) else key.verify_bare
    verify(message, signature)


def _sign(key: Cosigner | Signer, message: bytes) -> bytes:
    return key.sign(message) if isinstance(key, Signer) else key.sign_bare(message)


def _message(old: WitnessKey, new: WitnessKey) -> bytes:
    """The lengths have zero bytes, so that it is neither a note nor a checkpoint."""
    return _DOMAIN + lp(old.vkey.encode()) + lp(new.vkey.encode())
