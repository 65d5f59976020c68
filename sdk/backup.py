"""The part of a wallet that outlives its file: words, mailbox, restoring, merging."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.events import event_time
from sdk.boxes import find_boxes, leave_box
from sdk.errors import BoxTooSmall, WalletError
from sdk.logs import read_merchant
from sdk.merging import merge
from sdk.mirror import Progress
from sdk.open_wallet import OpenWallet, first_contact
from sdk.restoring import Restored, require_fresh, restore
from sdk.shop import Shop
from sdk.state import Purchase
from zk.prove import no_progress

__all__ = ["Backup"]


class Backup(OpenWallet):
    """What brings a wallet back."""

    def words(self) -> str:
        """The twelve words that restore the wallet, for its owner to write down."""
        identity = replace(self._state.identity, words_shown=event_time(self._clock()))
        self._commit(replace(self._state, identity=identity))
        return identity.seed.words

    @property
    def words_shown(self) -> str | None:
        """When :meth:`words` was last called, as RFC 3339 has it; None if never."""
        return self._state.identity.words_shown

    @property
    def backed_up(self) -> str | None:
        """When the last copy was left in a mailbox, as RFC 3339 has it; None if never."""
        return self._state.identity.backed_up

    @property
    def not_backed_up(self) -> Sequence[Purchase]:
        """Purchases of which no copy lies in their merchant's mailbox."""
        return [purchase for purchase in self.purchases if purchase.box is None]

    def back_up(self, shop: Shop) -> int:
        """Leave a copy of each purchase from this shop in its mailbox; of how many there was none.

        :meth:`accept` does. It tells the service that these purchases, which it knows, are of one
        wallet: do it when they are made, and not around a claim. ``Refused`` while the mailbox is
        full; ``ShopError``; ``BoxTooSmall`` once all others have been left.
        """
        merchant = self._at(shop)
        missing = [each for each in self.not_backed_up if each.origin == merchant.origin]
        too_small: BoxTooSmall | None = None
        for purchase in missing:
            try:
                number = leave_box(shop, self._state.identity, merchant, purchase)
            except BoxTooSmall as error:
                too_small = error
                continue
            state = self._state.with_free_box(purchase.origin, number + 1)
            identity = replace(state.identity, backed_up=event_time(self._clock()))
            state = replace(state, identity=identity)
            self._commit(state.with_purchase(replace(purchase, box=number)))
        if too_small is not None:
            raise too_small
        return len(missing)

    def forget(self, shop: Shop, purchase: Purchase) -> None:
        """Delete a purchase, here and in its merchant's mailbox, with all that was made with it.

        Nothing brings it back. It tells the service which box is not needed any more.
        ``WalletError`` while something that was made with it has no answer.
        """
        if self._at(shop).origin != purchase.origin:
            raise WalletError("the purchase is from another merchant")
        if any(proof.outcome is None for proof in self._state.proofs_of(purchase)):
            raise WalletError("a claim or transfer with this purchase has no answer yet")
        if purchase.box is not None:
            keys = self._state.identity.seed.box(purchase.origin, purchase.box)
            shop.delete_box(purchase.origin, keys.address, keys.private_key)
        self._commit(self._state.without_purchase(purchase))

    def restore(
        self,
        shop: Shop,
        *,
        accept_stale: bool = False,
        progress: Progress = no_progress,
    ) -> Restored:
        """Bring back what wallets with the same words have from this shop.

        Purchases that lay in its mailbox come back if its log holds them; approved claims with
        them, and transfers that are completed or wait for that, from its event log, which is read
        whole: no question names a purchase. Claims that were declined or had no answer do not come
        back. ``StaleLog`` when the last close is so old that claims made since may be hidden,
        unless ``accept_stale``. ``progress`` is told how many entries of each log have come. Errors
        as :meth:`claim`; nothing is remembered then.
        """
        keys = shop.keys()
        self._require_kind(keys.origin)
        boxes, following = find_boxes(shop, self._state.identity.seed, keys.origin)
        merchant = self._state.merchants.get(keys.origin) or first_contact(shop, keys, boxes)
        now = self._clock()
        view, merchant = read_merchant(shop, merchant, now)
        found = [box.purchase for box in boxes]
        if not accept_stale:
            require_fresh(view, found, now)
        restored = restore(shop, self._state, view, merchant, found, now, progress)
        state = self._state.with_merchant(merchant).with_free_box(keys.origin, following)
        for purchase in restored.purchases:
            state = state.with_purchase(purchase)
        for claim in restored.claims:
            state = state.with_claim(claim)
        for transfer in restored.transfers:
            state = state.with_transfer(transfer)
        self._commit(state)
        return restored

    def merge(self, other: OpenWallet) -> None:
        """Take in what another device with the same words knows.

        Without a service: what neither has heard of is still to be restored. Errors as
        :func:`sdk.merging.merge`.
        """
        self._commit(merge(self._state, other._state))  # noqa: SLF001 - of another wallet
