"""The seed witnesses of a service: asked one after the other to sign the end of a period."""

from collections.abc import Sequence
from functools import partial

import httpx

from commitments.errors import FormatError, Overloaded, VerificationError
from ledger.note import Note, Verifier, parse_vkey
from ledger.seeding import PeriodEnd, SignedEnd
from ledger.store import Store
from ledger.witness_client import (
    RemoteSeedWitness,
    TooSlow,
    Unavailable,
    WitnessThread,
    witness_connections,
)

__all__ = ["NotSigned", "SeedWitnesses", "parse_seed_witnesses"]

_FIELD = "seed_witnesses"
_PATIENCE = 5.0  # seconds for an answer, however it trickles; other logs wait to be closed


class NotSigned(Overloaded):
    """A seed witness does not sign the close now, so there is none yet."""


class SeedWitnesses:
    """Where the ``witnesses`` are that sign closes; ``transport`` in the place of the network."""

    def __init__(
        self,
        witnesses: Sequence[RemoteSeedWitness] = (),
        *,
        transport: httpx.BaseTransport | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self._patience = patience
        self._by_key = {witness.key: witness for witness in witnesses}
        self._threads = {witness.key: WitnessThread() for witness in witnesses}
        self._client = witness_connections(transport)

    @property
    def keys(self) -> tuple[Verifier, ...]:
        """The keys that new logs declare."""
        return tuple(self._by_key)

    def close(self) -> None:
        """Let go of threads and connections."""
        for thread in self._threads.values():
            thread.close()
        self._client.close()

    def sign(
        self, store: Store, keys: Sequence[Verifier], end: PeriodEnd
    ) -> tuple[PeriodEnd, tuple[bytes, ...]]:
        """The end of the period that all ``keys`` have signed, and their signatures.

        That is ``end``, or what the first witness signed for the period before: a log that crashed
        between its answer and the close must go on from there. One after the other, so that
        several processes that ask at once all follow the first witness. :class:`NotSigned` when
        one does not answer; ``VerificationError`` when they have signed different ends, or one
        that is not of this log.
        """
        signatures: list[bytes] = []
        for key in keys:
            signed = self._ask(store, key, end)
            if signed.end.period != end.period or (signatures and signed.end != end):
                raise VerificationError("the seed witnesses have signed different closes")
            if signed.end != end:
                _require_own(store, signed.end)
            end = signed.end
            signatures.append(signed.signature)
        return end, tuple(signatures)

    def _ask(self, store: Store, key: Verifier, end: PeriodEnd) -> SignedEnd:
        witness = self._by_key.get(key)
        if witness is None:
            raise NotSigned(f"this service was not told where the seed witness {key.name} is")
        request = store.commit(
            lambda transaction: transaction.sign(end.origin, end.text()), end.origin
        )
        try:
            return self._answer(witness, request, end.origin)
        except Unavailable as error:
            raise NotSigned(f"the seed witness {key.name} has not signed: {error}") from None

    def _answer(self, witness: RemoteSeedWitness, request: Note, origin: str) -> SignedEnd:
        thread = self._threads[witness.key]
        if not thread.is_free:
            raise TooSlow("it has not yet answered an earlier request")
        question = thread.submit(partial(witness.sign, self._client, request, origin))
        try:
            return question.result(self._patience)
        except TimeoutError:
            thread.give_up(question)
            raise TooSlow("no answer in time") from None


def _require_own(store: Store, end: PeriodEnd) -> None:
    """Before others are asked to sign it: the first may lie, or know what the log has lost."""
    with store.log(end.origin) as log:
        if log.size < end.size or log.root(end.size) != end.root:
            raise VerificationError("the seed witness has signed a close of another log")


def parse_seed_witnesses(data: bytes) -> list[RemoteSeedWitness]:
    """Read lines of a verifier key and a URL; empty ones and those with ``#`` say nothing.

    ``FormatError`` names the line at fault.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise FormatError("not lines of text", _FIELD) from None
    found: dict[Verifier, RemoteSeedWitness] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            vkey, url = words
            key = parse_vkey(vkey)
        except ValueError:
            raise FormatError(f"line {number}: not a verifier key and a URL", _FIELD) from None
        except FormatError as error:
            raise FormatError(f"line {number}: {error}", _FIELD) from None
        if key in found or not url.startswith(("https://", "http://")):
            raise FormatError(f"line {number}: a key twice, or not a URL", _FIELD)
        found[key] = RemoteSeedWitness(url, key)
    return list(found.values())
