"""The mailbox."""

from typing import Annotated, Literal

from pydantic import Field

from api.documents.common import Document, Hash

__all__ = ["Boxes", "Deletion", "Deposit", "Emptied", "Kept", "Lookup"]

Address = Annotated[Hash, Field(description="32 random bytes, or such as look so.")]
Ciphertext = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9+/]{5462}==$", description="Exactly 4,096 bytes.")
]


class Deposit(Document):
    """A box: who has the private key of `delete_key` (Ed25519) can delete it."""

    address: Address
    delete_key: Hash
    ciphertext: Ciphertext


class Kept(Document):
    """The box is kept until it is deleted."""

    status: Literal["kept"]


class Lookup(Document):
    """Exactly 32 addresses, of which some are nobody's."""

    addresses: list[Address] = Field(min_length=32, max_length=32)


class Boxes(Document):
    """What lies under each of the 32 addresses, in the same order."""

    boxes: list[Ciphertext | None] = Field(min_length=32, max_length=32)


class Deletion(Document):
    """The key's signature over the origin and the address (docs/protocol.md 3, *Mailbox*)."""

    address: Address
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")


class Emptied(Document):
    """The box is empty for ever."""

    status: Literal["deleted"]
