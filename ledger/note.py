"""Signed notes (c2sp signed-note): a text and signatures over it that people can read.

A key is known by its name and a four-byte id. :class:`Signer` and :class:`Verifier` are Ed25519
(type 01), the keys of logs. The keys of witnesses are in ``ledger/cosignature.py``: a key's type
says what its signatures mean, so that no reader of one kind takes a key of the other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_base64, parse_hex

__all__ = [
    "Note",
    "NoteVerifier",
    "PublicKey",
    "Signature",
    "Signer",
    "TypedKey",
    "Verifier",
    "is_signed_by",
    "parse_vkey",
    "verify_note",
]

_MAX_NOTE_BYTES = 128 * 1024  # sixteen ML-DSA-44 signatures take 53 kB
_MAX_SIGNATURES = 64
_KEY_ID_BYTES = 4
_ED25519_BYTES = 32  # of a public key and of a private one
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")


class NoteVerifier(Protocol):
    """A public key that a signature line can name."""

    @property
    def name(self) -> str:
        """Who signs; of a log its origin."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""

    def verify(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is by this key over ``message``."""


V = TypeVar("V", bound=NoteVerifier)


@dataclass(frozen=True)
class Signature:
    """One signature line: who signed, and the bytes whose form the key's type defines."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"— {self.name} {encode_base64(self.key_id + self.signature)}\n"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """Read a line without its newline; ``FormatError`` for anything else."""
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise FormatError("not a signature line", "note")
        data = parse_base64(match[2], "note")
        if len(data) <= _KEY_ID_BYTES:
            raise FormatError("a signature line without a signature", "note")
        return cls(match[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and at least one signature. Nothing in it is verified."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        """``FormatError`` for a text that cannot stand in a note."""
        if not self.text.endswith("\n") or _CONTROL.search(self.text):
            raise FormatError("the text has a control character or no final newline", "note")
        if not 1 <= len(self.signatures) <= _MAX_SIGNATURES:
            raise FormatError(f"not 1 to {_MAX_SIGNATURES} signatures", "note")

    def serialise(self) -> bytes:
        """The bytes of the note."""
        lines = "".join(signature.line() for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a note; ``FormatError`` unless it is one. The *last* empty line splits it."""
        if len(data) > _MAX_NOTE_BYTES:
            raise FormatError("the note is too long", "note")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError("not UTF-8", "note") from None
        text, separator, lines = whole.rpartition("\n\n")
        if _CONTROL.search(lines) or not separator or not lines.endswith("\n"):
            raise FormatError("no signature lines after an empty line", "note")
        signed = lines.removesuffix("\n").split("\n")
        if len(signed) > _MAX_SIGNATURES:
            raise FormatError("too many signatures", "note")
        return cls(text + "\n", tuple(Signature.parse(line) for line in signed))


@dataclass(frozen=True)
class TypedKey:
    """A public key under a name, with the byte that says what its signatures are.

    ``FormatError`` for a name that cannot be one.
    """

    name: str
    type: int
    public_key: bytes

    def __post_init__(self) -> None:
        """``FormatError`` for a name that cannot be one."""
        if not _NAME.fullmatch(self.name) or _CONTROL.search(self.name) or not _is_utf8(self.name):
            raise FormatError("not a key name", "vkey")

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + self._typed).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text: ``name+hex key id+base64 key``."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self._typed)}"

    @property
    def _typed(self) -> bytes:
        return bytes([self.type]) + self.public_key

    @classmethod
    def parse(cls, vkey: str) -> "TypedKey":
        """Read ``name+hex key id+base64 key``; ``FormatError`` for a false id."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        typed = parse_base64(encoded, "vkey")
        if not typed:
            raise FormatError("a key without a type", "vkey")
        key = cls(name, typed[0], typed[1:])
        if parse_hex(key_id, "vkey", _KEY_ID_BYTES) != key.key_id:
            raise FormatError("the key id is not that of the key", "vkey")
        return key


@dataclass(frozen=True)
class PublicKey:
    """A public key under a name; ``TYPE``, which its class has, says what its signatures are."""

    TYPE: ClassVar[int]

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return TypedKey(self.name, self.TYPE, self.public_key).key_id

    @property
    def vkey(self) -> str:
        """The key as text: ``name+hex key id+base64 key``."""
        return TypedKey(self.name, self.TYPE, self.public_key).vkey


@dataclass(frozen=True)
class Verifier(PublicKey):
    """An Ed25519 public key (type 01) under a name."""

    TYPE: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """``FormatError`` for a name or key that cannot be one."""
        TypedKey(self.name, self.TYPE, self.public_key)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key)
        except ValueError:
            raise FormatError("not an Ed25519 public key", "vkey") from None

    def verify(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is by this key over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            raise VerificationError("an Ed25519 signature does not hold") from None


class Signer:
    """An Ed25519 private key (type 01) under a name; deterministic, as RFC 8032 says."""

    def __init__(self, name: str, private_key: bytes) -> None:
        """``private_key`` is the 32-byte seed of RFC 8032."""
        if len(private_key) != _ED25519_BYTES:
            raise FormatError("not an Ed25519 private key", "private_key")
        self.private_key = private_key
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """Who signs."""
        return self.verifier.name

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over ``message``."""
        return self._key.sign(message)

    def sign_note(self, text: str) -> Note:
        """``text`` as a note with this key's signature."""
        return Note(text, (self.signature(text),))

    def signature(self, text: str) -> Signature:
        """The key's signature line for a note of ``text``."""
        return Signature(self.name, self.verifier.key_id, self.sign(text.encode()))


def parse_vkey(vkey: str) -> Verifier:
    """Read the key of a log; ``FormatError`` for another type or a false id."""
    key = TypedKey.parse(vkey)
    if key.type != Verifier.TYPE:
        raise FormatError("not an Ed25519 key (type 01)", "vkey")
    return Verifier(key.name, key.public_key)


def is_signed_by(data: bytes, verifiers: Iterable[NoteVerifier]) -> bool:
    """Whether the note names any of these keys; whether their signatures hold is not said."""
    named = {(signature.name, signature.key_id) for signature in Note.parse(data).signatures}
    return any((verifier.name, verifier.key_id) in named for verifier in verifiers)


def verify_note(data: bytes, verifiers: Iterable[V]) -> tuple[str, list[V]]:
    """The text of a note, and which of ``verifiers`` have signed it: at least one.

    Signatures by unknown keys are ignored; one false signature by a known key rejects the note,
    and so does the absence of any known key (c2sp signed-note, Signatures).
    """
    note = Note.parse(data)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[tuple[str, bytes], V] = {}
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is not None:
            verifier.verify(note.text.encode(), signature.signature)
            signed[signature.name, signature.key_id] = verifier
    if not signed:
        raise VerificationError("no known key has signed the note")
    return note.text, list(signed.values())


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in name)
