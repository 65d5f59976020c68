"""The seed witnesses of a service: asked one after the other to sign the end of a period.

One that signs with a later key than the log knows is asked for its handovers. Those that lead to
that key, and no more, are logged before the close: what it has signed for a period it says again,
so a log that knew a later key yet could never close that period.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import httpx

from commitments.clock import Clocks
from commitments.errors import FormatError, Overloaded, VerificationError
from ledger.handover import NO_HANDOVERS
from ledger.note import Verifier, parse_vkey
from ledger.seeding import PeriodEnd, SignedEnd
from ledger.store import Store
from ledger.witness_client import (
    RemoteSeedWitness,
    TooSlow,
    Unavailable,
    WitnessThread,
    fetch_handovers,
    witness_connections,
)
from ledger.witness_rotation import record_handovers

__all__ = ["NotSigned", "SeedWitnesses", "parse_seed_witnesses"]

_FIELD = "seed_witnesses"
_PATIENCE = 5.0  # seconds for an answer, however it trickles; other logs wait to be closed

T = TypeVar("T")


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
        self, store: Store, clocks: Clocks, keys: Sequence[Sequence[Verifier]], end: PeriodEnd
    ) -> tuple[PeriodEnd, tuple[bytes, ...]]:
        """The end of the period that all witnesses have signed, and their signatures.

        ``keys`` are for each witness the declared one and those that have followed it, of which
        the last is to sign; one that has followed it since is entered into the event log before
        its signature is returned. The end is ``end``, or what the first witness signed for the
        period before: a log that crashed between its answer and the close must go on from there.
        One after the other, so that several processes that ask at once all follow the first
        witness. :class:`NotSigned` when one does not answer; ``VerificationError`` when they have
        signed different ends, or one that is not of this log.
        """
        signatures: list[bytes] = []
        for of_witness in keys:
            signed = self._ask(store, clocks, of_witness, end)
            if signed.end.period != end.period or (signatures and signed.end != end):
                raise VerificationError("the seed witnesses have signed different closes")
            if signed.end != end:
                _require_own(store, signed.end)
            end = signed.end
            signatures.append(signed.signature)
        return end, tuple(signatures)

    def _ask(
        self, store: Store, clocks: Clocks, keys: Sequence[Verifier], end: PeriodEnd
    ) -> SignedEnd:
        name = keys[0].name
        witness = self._witness(keys)
        request = store.commit(
            lambda transaction: transaction.sign(end.origin, end.text()), end.origin
        )
        try:
            signed = self._answer(witness, partial(witness.sign, self._client, request, end.origin))
            # Not for another period: it would lead past the key that has signed this one.
            if signed.end.period == end.period and not _is_signed(signed, keys[-1]):
                keys = self._follow(store, clocks, witness, keys, signed)
        except Unavailable as error:
            raise NotSigned(f"the seed witness {name} has not signed: {error}") from None
        if not _is_signed(signed, keys[-1]):
            raise NotSigned(
                f"the seed witness {name} has signed with a key that does not follow from those"
                " in the log; is it the right witness?"
            )
        return signed

    def _witness(self, keys: Sequence[Verifier]) -> RemoteSeedWitness:
        """The one with any of these keys; else one of that name, whose keys may have changed."""
        known = [self._by_key[key] for key in keys if key in self._by_key]
        named = [each for key, each in self._by_key.items() if key.name == keys[0].name]
        if not (known or named):
            name = keys[0].name
            raise NotSigned(f"this service was not told where the seed witness {name} is")
        return (known or named)[0]

    def _follow(
        self,
        store: Store,
        clocks: Clocks,
        witness: RemoteSeedWitness,
        keys: Sequence[Verifier],
        signed: SignedEnd,
    ) -> Sequence[Verifier]:
        """These keys and those that lead to the one that has signed, which are logged now."""
        shown = self._answer(witness, partial(fetch_handovers, self._client, witness.url))
        try:
            steps = NO_HANDOVERS.continued(keys[-1], shown, len(shown))
            chain = NO_HANDOVERS.after(*steps).chain(keys[-1])
            last = max((n for n, key in enumerate(chain) if _is_signed(signed, key)), default=0)
            known = record_handovers(store, clocks, signed.end.origin, keys[:1], steps[:last])
        except VerificationError as error:
            raise Unavailable(str(error)) from None
        return known.chain(keys[0])

    def _answer(self, witness: RemoteSeedWitness, ask: Callable[[], T]) -> T:
        thread = self._threads[witness.key]
        if not thread.is_free:
            raise TooSlow("it has not yet answered an earlier request")
        question = thread.submit(ask)
        try:
            return question.result(self._patience)
        except TimeoutError:
            thread.give_up(question)
            raise TooSlow("no answer in time") from None


def _is_signed(signed: SignedEnd, key: Verifier) -> bool:
    with suppress(VerificationError):
        signed.verify(key)
        return True
    return False


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
