"""The private keys of a witness: one for each kind of statement, none used for two."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from commitments.errors import FormatError
from commitments.wire import parse_hex
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.note import Signer

__all__ = ["WitnessKeys"]

_KEY_BYTES = 32


@dataclass(frozen=True)
class WitnessKeys:
    """The name of a witness and the seeds of its keys, 32 bytes each.

    An Ed25519 cosignature does not say whose it is, so that its key may serve nothing else
    (c2sp tlog-cosignature).
    """

    name: str
    ed25519: bytes = field(repr=False)
    ml_dsa_44: bytes = field(repr=False)
    seeds: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """``FormatError`` for a name that no key can have, or a key of another length."""
        Ed25519Cosigner(self.name, self.ed25519)
        MlDsaCosigner(self.name, self.ml_dsa_44)
        Signer(self.name, self.seeds)

    @classmethod
    def create(cls, name: str) -> "WitnessKeys":
        """Fresh keys."""
        return cls(name, *(secrets.token_bytes(_KEY_BYTES) for _ in range(3)))

    @property
    def cosigners(self) -> Sequence[Cosigner]:
        """The keys that cosign checkpoints."""
        return (
            Ed25519Cosigner(self.name, self.ed25519),
            MlDsaCosigner(self.name, self.ml_dsa_44),
        )

    @property
    def seed_signer(self) -> Signer:
        """The key that signs closes."""
        return Signer(self.name, self.seeds)

    def document(self) -> dict[str, Any]:
        """As JSON, with the private keys."""
        return {
            "name": self.name,
            "ed25519": self.ed25519.hex(),
            "ml_dsa_44": self.ml_dsa_44.hex(),
            "seeds": self.seeds.hex(),
        }

    def public(self) -> dict[str, Any]:
        """The verifier keys, for logs and readers."""
        return {
            "name": self.name,
            "cosignature_keys": [cosigner.verifier.vkey for cosigner in self.cosigners],
            "seed_key": self.seed_signer.verifier.vkey,
        }

    @classmethod
    def parse(cls, document: Any) -> "WitnessKeys":
        """Read the JSON form; ``FormatError`` for anything else."""
        names = ("name", "ed25519", "ml_dsa_44", "seeds")
        if not isinstance(document, dict) or document.keys() != set(names):
            raise FormatError("not the keys of a witness", "keys")
        if not isinstance(document["name"], str):
            raise FormatError("not text", "name")
        keys = {name: parse_hex(document[name], name, _KEY_BYTES) for name in names[1:]}
        return cls(document["name"], **keys)
