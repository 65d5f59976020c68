"""An open wallet: what it remembers, the file it is in, and the merchants it knows."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from commitments.clock import Clock, system_clock
from commitments.errors import FormatError, VerificationError
from commitments.sandbox import is_sandbox
from ledger.events import event_time
from ledger.note import Verifier
from ledger.quorum import Quorum
from sdk.boxes import Box
from sdk.errors import NotKept, UnexpectedAnswer, WalletError, WrongWallet
from sdk.kept_answers import KeptAnswers, KeptInMemory
from sdk.key_following import follow_merchant
from sdk.logs import MerchantView, read_merchant
from sdk.rings import KnownRings
from sdk.seed import Seed
from sdk.shop import LogKeys, Shop
from sdk.state import Identity, Merchant, Purchase, State
from sdk.wallet_file import WalletFile

__all__ = ["SMALLEST_RING", "OpenWallet", "first_contact"]

_DEVICES = 1 << 52  # so many that no two choose one

SMALLEST_RING = 16
"""Purchases to hide among, below which a wallet makes no proof unless its owner says otherwise."""


class OpenWallet:
    """What all parts of :class:`sdk.wallet.Wallet` stand on."""

    def __init__(
        self, state: State, file: WalletFile | None, *, clock: Clock, smallest_ring: int
    ) -> None:
        self._state = state
        self._file = file
        self._real_clock = self._clock = clock
        self._smallest_ring = smallest_ring
        self._rings = KnownRings()
        self._kept: KeptAnswers = file.kept_answers() if file else KeptInMemory()

    def __repr__(self) -> str:
        return "Wallet(…)"

    @classmethod
    def create(
        cls,
        path: str | Path,
        passphrase: str,
        *,
        words: str | None = None,
        sandbox: bool = False,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """A new wallet in a new file, encrypted under ``passphrase``.

        With ``words``, another device of the wallet that has them: it gives no keys that another
        device gives, and has nothing of what they hold before :meth:`restore`. With ``sandbox``, a
        wallet for sandboxes, which takes nothing of a shop, as others take nothing of a sandbox.
        ``FormatError`` for words that are none.
        """
        state = State(_new_identity(words, clock, sandbox=sandbox))
        file = WalletFile.create(Path(path), passphrase, state.encode())
        return cls(state, file, clock=clock, smallest_ring=smallest_ring)

    @classmethod
    def open(
        cls,
        path: str | Path,
        passphrase: str,
        *,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """The wallet in a file; errors as :meth:`sdk.wallet_file.WalletFile.open`."""
        file, content = WalletFile.open(Path(path), passphrase)
        return cls(State.decode(content), file, clock=clock, smallest_ring=smallest_ring)

    @classmethod
    def in_memory(
        cls,
        *,
        words: str | None = None,
        sandbox: bool = False,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """A wallet that is gone with the process; ``words`` and ``sandbox`` as :meth:`create`."""
        state = State(_new_identity(words, clock, sandbox=sandbox))
        return cls(state, None, clock=clock, smallest_ring=smallest_ring)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes open the file."""
        if self._file is not None:
            self._file.close()

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a wallet for sandboxes: nothing in it is worth anything."""
        return self._state.identity.sandbox

    def follow_clock(self, shop: Shop) -> None:
        """From now on go by the clock of this sandbox, which is asked each time.

        Only for a wallet for sandboxes, ``WalletError`` otherwise: whoever sets the clock of a
        wallet can pass an old log off as a new one.
        """
        self._at(shop)
        if not self.is_sandbox:
            raise WalletError("only a wallet for sandboxes goes by the clock of a service")
        self._clock = lambda: self._real_clock() + shop.ahead()

    @property
    def purchases(self) -> Sequence[Purchase]:
        """All purchases, in the order of their receipts."""
        return tuple(self._state.purchases.values())

    def is_owned(self, purchase: Purchase) -> bool:
        """Whether the purchase is this wallet's: not refunded and not handed over."""
        return self._state.is_owned(purchase)

    @property
    def merchants(self) -> Sequence[Merchant]:
        """All merchants whose keys the wallet knows."""
        return tuple(self._state.merchants.values())

    def require_quorum(self, shop: Shop, quorum: Quorum) -> None:
        """From now on believe this merchant's logs only what these witnesses have cosigned.

        Ask the witnesses for their keys, or somebody else than the merchant.
        """
        merchant = replace(self._at(shop), quorum=quorum)
        self._commit(self._state.with_merchant(merchant))

    def trust_seed_witnesses(self, shop: Shop, keys: Sequence[Verifier]) -> None:
        """From now on warn before claims if others than these witnesses sign the log's closes.

        Ask the witnesses for their keys, or somebody else than the merchant: one that the
        merchant runs lets it choose who shares a ring.
        """
        merchant = replace(self._at(shop), seed_witnesses=tuple(keys))
        self._commit(self._state.with_merchant(merchant))

    def look(self, shop: Shop) -> MerchantView:
        """What the merchant's logs say now: closes, policies, notices.

        Every wallet asks for the same, whatever is in it. ``VerificationError`` names what does
        not hold, and nothing is remembered then.
        """
        with shop.recording() as answers:
            view, merchant = read_merchant(shop, self._at(shop), self._clock())
            self._commit(self._state.with_merchant(merchant))
            self._kept.keep(answers)
        return view

    def look_offline(self) -> dict[str, MerchantView]:
        """What :meth:`look` has seen last, by origin, verified again; nobody is asked.

        Without the merchants of whom nothing is kept.
        """
        views = {}
        for merchant in self.merchants:
            with suppress(NotKept), Shop.offline(merchant.address, self._kept) as offline:
                views[merchant.origin] = self._read_kept(offline, merchant)[0]
        return views

    # ---- for the parts

    def _commit(self, state: State) -> None:
        """Make ``state`` durable, then true."""
        if state == self._state:
            return
        if self._file is not None:
            self._file.write(state.encode())
        self._state = state

    def _at(self, shop: Shop) -> Merchant:
        """The merchant behind ``shop``: the pinned one, or on first contact one to be pinned."""
        return self._known(shop) or self._pin(shop, shop.keys())

    def _require_kind(self, origin: str) -> None:
        """``WrongWallet`` for a sandbox where the wallet is for shops, and the other way round."""
        if is_sandbox(origin) != self.is_sandbox:
            raise WrongWallet(sandbox=is_sandbox(origin))

    def _known(self, shop: Shop) -> Merchant | None:
        merchants = self._state.merchants.values()
        return next((each for each in merchants if each.address == shop.address), None)

    def _read_kept(self, offline: Shop, known: Merchant) -> tuple[MerchantView, Merchant]:
        # Heads were also seen in receipts and decisions, with which nothing was kept.
        known = replace(known, purchases=None, events=None)
        try:
            return read_merchant(offline, known, self._clock())
        except (FormatError, UnexpectedAnswer, VerificationError):
            raise NotKept from None

    def _pin(self, shop: Shop, keys: LogKeys) -> Merchant:
        self._require_kind(keys.origin)
        new = first_contact(shop, keys)
        known = self._state.merchants.get(keys.origin)
        if known is not None and not _has_keys(known, new):
            known = follow_merchant(shop, known)
            if not _has_keys(known, new):
                raise VerificationError("shop: its logs have other keys than those known")
        merchant = replace(known, address=shop.address) if known else new
        self._commit(self._state.with_merchant(merchant))
        return merchant


def _has_keys(known: Merchant, named: Merchant) -> bool:
    """Whether the keys that a service names are among those known to be in force."""
    pairs = (
        (known.purchases_vkeys, named.purchases_vkeys),
        (known.events_vkeys, named.events_vkeys),
    )
    return all(set(wanted) <= set(vkeys) for vkeys, wanted in pairs)


def _new_identity(words: str | None, clock: Clock, *, sandbox: bool) -> Identity:
    """The device that makes a seed is number 0; those where it is typed in know of no other."""
    if words is None:
        return Identity(Seed.create(), sandbox=sandbox)
    device, seen = 1 + secrets.randbelow(_DEVICES), event_time(clock())  # by who has typed them
    return Identity(Seed.parse(words), device, words_shown=seen, sandbox=sandbox)


def first_contact(shop: Shop, keys: LogKeys, boxes: Sequence[Box] = ()) -> Merchant:
    """A merchant with the keys that its logs had, as the boxes say; without any, as it says."""
    if not boxes:
        return Merchant(keys.origin, shop.address, (keys.purchases.vkey,), (keys.events.vkey,))
    purchases = {vkey for box in boxes for vkey in box.purchases_vkeys}
    events = {vkey for box in boxes for vkey in box.events_vkeys}
    return Merchant(keys.origin, shop.address, tuple(sorted(purchases)), tuple(sorted(events)))
