"""The private keys of a witness: one for each kind of statement, none used for two.

A witness that changes its keys has older ones beside them for a while. They cosign too, so that
nobody is cut off who has not heard of the new ones yet.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from commitments.errors import FormatError
from commitments.wire import parse_hex
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.note import Signer

__all__ = ["WitnessKeys"]

_KEY_BYTES = 32
_NAMES = ("ed25519", "ml_dsa_44", "seeds")


@dataclass(frozen=True)
class WitnessKeys:
    """The name of a witness, the seeds of its keys, 32 bytes each, and perhaps its older keys.

    An Ed25519 cosignature does not say whose it is, so that its key may sign nothing else but
    its handover, which no checkpoint can be read as (c2sp tlog-cosignature).
    """

    name: str
    ed25519: bytes = field(repr=False)
    ml_dsa_44: bytes = field(repr=False)
    seeds: bytes = field(repr=False)
    older: "WitnessKeys | None" = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        """``FormatError`` for a name that no key can have, or a key of another length.

        Also for older keys of another name, and for more than two generations.
        """
        Ed25519Cosigner(self.name, self.ed25519)
        MlDsaCosigner(self.name, self.ml_dsa_44)
        Signer(self.name, self.seeds)
        if self.older and (self.older.older or self.older.name != self.name):
            raise FormatError("not the older keys of this witness", "older")

    @classmethod
    def create(cls, name: str) -> "WitnessKeys":
        """Fresh keys."""
        return cls(name, *(secrets.token_bytes(_KEY_BYTES) for _ in range(3)))

    def rotated(self) -> "WitnessKeys":
        """Fresh keys with these as the older ones."""
        return replace(self.create(self.name), older=self)

    def retired(self) -> "WitnessKeys":
        """Without the older keys."""
        return replace(self, older=None)

    @property
    def cosigners(self) -> Sequence[Cosigner]:
        """The keys that cosign checkpoints, the newest first."""
        newest = (
            Ed25519Cosigner(self.name, self.ed25519),
            MlDsaCosigner(self.name, self.ml_dsa_44),
        )
        return newest if self.older is None else (*newest, *self.older.cosigners)

    @property
    def seed_signer(self) -> Signer:
        """The key that signs closes: the newest alone, since each is signed once."""
        return Signer(self.name, self.seeds)

    @property
    def signers(self) -> Sequence[Cosigner | Signer]:
        """The newest key of each kind."""
        return (*self.cosigners[:2], self.seed_signer)

    def document(self) -> dict[str, Any]:
        """As JSON, with the private keys."""
        own = {name: getattr(self, name).hex() for name in _NAMES}
        older = {"older": self.older.document()} if self.older else {}
        return {"name": self.name, **own, **older}

    def public(self) -> dict[str, Any]:
        """The newest verifier keys, for logs and readers."""
        *cosigners, seeds = (signer.verifier.vkey for signer in self.signers)
        return {"name": self.name, "cosignature_keys": cosigners, "seed_key": seeds}

    @classmethod
    def parse(cls, document: Any) -> "WitnessKeys":
        """Read the JSON form; ``FormatError`` for anything else."""
        if not isinstance(document, dict) or document.keys() - {"older"} != {"name", *_NAMES}:
            raise FormatError("not the keys of a witness", "keys")
        if not isinstance(document["name"], str):
            raise FormatError("not text", "name")
        keys = (parse_hex(document[name], name, _KEY_BYTES) for name in _NAMES)
        older = cls.parse(document["older"]) if "older" in document else None
        return cls(document["name"], *keys, older=older)
