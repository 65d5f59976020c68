"""Which keys of the witness have followed which: kept and shown for ever.

The private keys are in a file beside the database. It is written first: a handover to a key that
was lost would end the witness.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from commitments.errors import Refused
from ledger.handover import Handover, WitnessKey
from witness.keys import WitnessKeys
from witness.schema import handovers

__all__ = ["KeysReplaced", "keep_handovers", "require_newest", "stored_handovers"]


class KeysReplaced(Refused):
    """Other keys have followed those that are used here."""

    def __init__(self) -> None:
        super().__init__(
            "keys-replaced",
            "other keys have followed these: start the witness again with its present keys",
        )


def keep_handovers(connection: Connection, keys: WitnessKeys) -> None:
    """Record that the newest of ``keys`` have followed the older ones, where there are any.

    :class:`KeysReplaced` if any key here has another successor: so no key ever has two, and an
    old copy of the keys cannot be used.
    """
    for signer in keys.signers:
        require_newest(connection, signer.verifier)
    if keys.older is None:
        return
    for old, new in zip(keys.older.signers, keys.signers, strict=True):
        known = _successor(connection, old.verifier)
        if known is None:
            row = Handover.sign(old, new).members()
            connection.execute(insert(handovers), row)
        elif known != new.verifier.vkey:
            raise KeysReplaced


def require_newest(connection: Connection, key: WitnessKey) -> None:
    """:class:`KeysReplaced` if this key has a successor."""
    if _successor(connection, key) is not None:
        raise KeysReplaced


def stored_handovers(connection: Connection) -> Sequence[Handover]:
    """All of them, in their order."""
    rows = connection.execute(select(handovers).order_by(handovers.c.number))
    return [Handover.parse(dict(row)) for row in rows.mappings()]


def _successor(connection: Connection, key: WitnessKey) -> str | None:
    following = select(handovers.c.next_vkey).where(handovers.c.vkey == key.vkey)
    found: str | None = connection.scalar(following)
    return found
