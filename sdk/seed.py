"""Twelve words, and everything secret that a wallet makes from them (docs/protocol.md 3, *Seeds*).

Whoever has the words has the wallet. They are a BIP-39 mnemonic; what is made from them is HKDF's
(RFC 5869) with SHA-512, each for one use only.
"""

import secrets
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from mnemonic import Mnemonic

from commitments.errors import FormatError
from commitments.group import Group
from commitments.purchase import BuyerKeys
from commitments.wire import le, lp
from policies.claim import FollowUpKeys

__all__ = ["BoxKeys", "ClaimKeys", "Place", "Seed"]

_SALT = b"kvitto-wallet/v1"
_WORDS = 12
_ENTROPY_BYTES = 16
_SCALAR_BYTES = 48  # of which 16 make the remainder uniform
_CLAIM_KEYS = ("follow_up", "inbox", "redemption")
_BOX_KEY_BYTES = 64  # AES-256-SIV


@dataclass(frozen=True)
class Place:
    """Which of the keys for a merchant's orders: those of one device, counted from 0.

    Devices on one seed have different numbers, so none gives keys that another has given.
    """

    device: int
    counter: int


@dataclass(frozen=True)
class BoxKeys:
    """Where in a merchant's mailbox a receipt lies, what opens it, and what deletes it.

    ``cipher`` is AES-SIV (RFC 5297), which takes no nonce: two devices may fill one box, and
    a nonce would have to differ. ``private_key`` is Ed25519's.
    """

    address: bytes = field(repr=False)
    cipher: AESSIV = field(repr=False)
    private_key: bytes = field(repr=False)

    @property
    def delete_key(self) -> bytes:
        """The public key that goes with ``private_key``."""
        private = Ed25519PrivateKey.from_private_bytes(self.private_key)
        return private.public_key().public_bytes_raw()


@dataclass(frozen=True)
class ClaimKeys:
    """The private keys to what follows one claim (docs/protocol.md 8, *Cases*)."""

    follow_up: Ed25519PrivateKey = field(repr=False)
    inbox: X25519PrivateKey = field(repr=False)
    redemption: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> FollowUpKeys:
        """What the claim shows of them."""
        keys = self.follow_up, self.inbox, self.redemption
        return FollowUpKeys(*(key.public_key().public_bytes_raw().hex() for key in keys))


@dataclass(frozen=True)
class Seed:
    """The 16 bytes that the words stand for."""

    entropy: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.entropy) != _ENTROPY_BYTES:
            raise FormatError(f"not {_ENTROPY_BYTES} bytes", "seed")

    @classmethod
    def create(cls) -> "Seed":
        """A new one, from the operating system's randomness."""
        return cls(secrets.token_bytes(_ENTROPY_BYTES))

    @classmethod
    def parse(cls, words: str) -> "Seed":
        """From the words as somebody types them.

        ``FormatError`` says the number of one that is not in the list, or that they do not belong
        together; never a word.
        """
        typed = words.lower().split()
        known = _mnemonic().wordlist
        for number, word in enumerate(typed, start=1):
            if word not in known:
                raise FormatError(f"word {number} is not in the list", "words")
        if len(typed) != _WORDS:
            raise FormatError(f"{len(typed)} words where {_WORDS} are needed", "words")
        try:
            return cls(bytes(_mnemonic().to_entropy(typed)))
        except ValueError:
            raise FormatError(
                "these words do not belong together: one is another, or in another place", "words"
            ) from None

    @property
    def words(self) -> str:
        """The twelve words, with spaces between."""
        return _mnemonic().to_mnemonic(self.entropy)

    def keys(self, group: Group, origin: str, place: Place, order: str) -> BuyerKeys:
        """The keys for one order.

        The order is among what they are made from: a wallet file that was copied, and is used in
        two places, gives the keys of one order to no other.
        """
        of_order = le(place.device, 8) + le(place.counter, 8) + lp(order.encode("utf-8"))
        names = ("serial_0", "secret", "blinding")
        return BuyerKeys(*(self._scalar(group, name, origin, of_order) for name in names))

    def box(self, origin: str, number: int) -> BoxKeys:
        """The keys of the mailbox's place with this number, for any device."""
        of_box = le(number, 8)
        return BoxKeys(
            self._derive("box/address", origin, of_box, 32),
            AESSIV(self._derive("box/cipher", origin, of_box, _BOX_KEY_BYTES)),
            self._derive("box/deletion", origin, of_box, 32),
        )

    def claim_keys(self, origin: str, nonce: str) -> ClaimKeys:
        """The keys for the claim with this nonce, which are used for no other.

        The nonce is public: with the words, whoever reads the log has the keys again.
        """
        rest = bytes.fromhex(nonce)
        follow_up, inbox, redemption = (
            self._derive(f"claim/{name}", origin, rest, 32) for name in _CLAIM_KEYS
        )
        return ClaimKeys(
            Ed25519PrivateKey.from_private_bytes(follow_up),
            X25519PrivateKey.from_private_bytes(inbox),
            Ed25519PrivateKey.from_private_bytes(redemption),
        )

    @cached_property
    def _root(self) -> bytes:
        return HKDF.extract(SHA512(), _SALT, Mnemonic.to_seed(self.words))

    def _derive(self, use: str, origin: str, rest: bytes, length: int) -> bytes:
        info = lp(use.encode("ascii")) + lp(origin.encode("ascii")) + rest
        return HKDFExpand(SHA512(), length, info).derive(self._root)

    def _scalar(self, group: Group, name: str, origin: str, rest: bytes) -> int:
        """Never zero."""
        uniform = self._derive(f"keys/{name}/{group.name}", origin, rest, _SCALAR_BYTES)
        return 1 + int.from_bytes(uniform, "big") % (group.order - 1)


@lru_cache(maxsize=1)
def _mnemonic() -> Mnemonic:
    return Mnemonic("english")
