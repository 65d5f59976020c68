"""The logs' private keys in the database: Ed25519 seeds, each sealed for its verifier key."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from ledger.engines import lock_schema, overwrite_deleted
from ledger.note import Signer, Verifier
from ledger.schema import private_keys, sealing_keys
from ledger.sealing import SealingKey, WrongSealingKey

__all__ = ["destroy_key", "has_keys", "is_sealed", "keep_key", "pin", "read_signers"]

_ONLY = 1  # the id of the one row
_PINNED = select(sealing_keys.c.key_id)


def pin(connection: Connection, sealing: SealingKey) -> None:
    """Let the database know its sealing key, the first time.

    :class:`WrongSealingKey` when it knows another: two processes with different files would each
    seal keys that the other cannot open.
    """
    known = connection.scalar(_PINNED)
    if known is None:
        lock_schema(connection)  # or two processes could each pin their own
        known = connection.scalar(_PINNED)
    if known is None:
        row = {"id": _ONLY, "key_id": sealing.id}
        connection.execute(insert(sealing_keys), row)
    elif known != sealing.id:
        raise WrongSealingKey("the database belongs to another sealing key")


def is_sealed(connection: Connection) -> bool:
    """Whether the database knows its sealing key already."""
    return connection.scalar(_PINNED) is not None


def keep_key(connection: Connection, sealing: SealingKey, log_id: int, signer: Signer) -> None:
    """Store a private key of the log."""
    vkey = signer.verifier.vkey
    row = {"log_id": log_id, "vkey": vkey, "sealed": sealing.seal(vkey, signer.private_key)}
    connection.execute(insert(private_keys), row)


def has_keys(connection: Connection, log_id: int, verifiers: Sequence[Verifier]) -> bool:
    """Whether all these private keys are here; those of a copy of somebody's log are not."""
    query = select(private_keys.c.vkey).where(private_keys.c.log_id == log_id)
    return {key.vkey for key in verifiers} <= set(connection.scalars(query))


def read_signers(
    connection: Connection, sealing: SealingKey, log_id: int, verifiers: Sequence[Verifier]
) -> tuple[Signer, ...]:
    """The private keys that belong to ``verifiers``.

    :class:`WrongSealingKey` where one does not open, or opens to another key.
    """
    query = select(private_keys.c.vkey, private_keys.c.sealed).where(
        private_keys.c.log_id == log_id
    )
    sealed = {row.vkey: row.sealed for row in connection.execute(query)}
    return tuple(_open(sealing, key, sealed[key.vkey]) for key in verifiers)


def _open(sealing: SealingKey, verifier: Verifier, sealed: bytes) -> Signer:
    signer = Signer(verifier.name, sealing.open(verifier.vkey, sealed))
    if signer.verifier != verifier:
        raise WrongSealingKey("a private key is not that of its verifier key")
    return signer


def destroy_key(connection: Connection, log_id: int, vkey: str) -> None:
    """Delete a private key, and what the file has of it."""
    overwrite_deleted(connection)
    connection.execute(
        delete(private_keys).where(private_keys.c.log_id == log_id, private_keys.c.vkey == vkey)
    )
