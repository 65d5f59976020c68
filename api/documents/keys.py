"""API keys."""

from typing import Annotated

from pydantic import Field

from api.documents.common import Day, Document, Moment
from api.key_table import Scope
from api.keys import MOST_GRACE

__all__ = ["Key", "KeyCreated", "KeyRotated", "Keys", "NewKey", "Rotation", "Secret"]

Label = Annotated[str, Field(min_length=1, max_length=100, description="For people.")]
Scopes = Annotated[list[Scope], Field(min_length=1, description="What the key may do.")]
Secret = Annotated[
    str,
    Field(pattern=r"^(?:kv|test)_[a-z0-9-]+_[0-9a-f]{64}$", description="Not shown again."),
]


class NewKey(Document):
    """A key to be, for no more than the key that asks for it may do itself."""

    label: Label
    scopes: Scopes
    expires: Moment | None = Field(default=None, description="Without it, when it is revoked.")


class Key(Document):
    """What is known of a key."""

    id: str = Field(pattern=r"^[0-9a-f]{12}$", description="Names the key, and opens nothing.")
    label: Label
    scopes: Scopes
    created: Day
    last_used: Day | None
    expires: Moment | None


class KeyCreated(Key):
    """A new key, which is not shown again."""

    api_key: Secret


class Keys(Document):
    """The merchant's good keys, oldest first."""

    keys: list[Key]


class Rotation(Document):
    """For how long the old key stays good."""

    grace_hours: int = Field(ge=0, le=MOST_GRACE)


class KeyRotated(KeyCreated):
    """The new key, which is not shown again, and the one that it replaces."""

    replaces: Key
