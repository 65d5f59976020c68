"""A one-time code from a slip, turned into a purchase of the buyer's own (docs/protocol.md 4)."""

import re

from commitments.errors import FormatError, Refused, VerificationError
from sdk.receipts import receipt_order
from sdk.shop import Shop
from sdk.state import Purchase
from sdk.wallet import Wallet

__all__ = ["UNTIL_NOW", "parse_code", "redeem"]

UNTIL_NOW = (
    "Until now the shop, which made the code, and whoever has seen the slip could have redeemed it"
    " in your place. From now on the purchase is yours alone."
)
"""What a buyer should know who has redeemed a code."""

_CODE = re.compile(r"[A-Z2-7]{24}", re.ASCII)
_GROUP = 4  # characters between hyphens
_ADVICE = {
    "unknown-code": "the shop knows no such code: compare it with the slip; where that is lost, the"
    " shop can print the code again",
    "already-redeemed": "this code was redeemed, and not by this device: by another with your"
    " words, by somebody who saw the slip, or by the shop, which made the code; ask the shop",
    "expired-code": "{}; ask the shop, which can still record the sale for you",
}


def redeem(wallet: Wallet, shop: Shop, code: str) -> Purchase:
    """The purchase behind ``code``, found in the shop's log under the wallet's own keys.

    The wallet stores its request before it is sent and sends the same one again: where the answer
    was lost, calling this again gets the receipt, even when the code has expired since.

    Raises
    ------
    FormatError
        not the form of a code; nothing was sent.
    Refused
        with the code ``unknown-code``, ``expired-code`` or ``already-redeemed``, and what to do.
    WalletError
        the wallet has redeemed it before.
    VerificationError, ShopError
        as :meth:`sdk.wallet.Wallet.accept`; after ``Unreachable`` try again.
    """
    order = parse_code(code)
    try:
        receipt = shop.redeem(order, wallet.request(shop, order))
    except Refused as refused:
        if refused.code not in _ADVICE:
            raise
        advice = _ADVICE[refused.code].format(refused)
        raise Refused(refused.code, advice, refused.field) from None
    if receipt_order(receipt)[1] != order:
        raise VerificationError("receipt: it is for another order than the code")
    return wallet.accept(shop, receipt)


def parse_code(typed: str) -> str:
    """A code as it is printed, however it was typed: in small letters, with spaces, no hyphens."""
    bare = re.sub("[ -]", "", typed.strip()).upper()
    if not _CODE.fullmatch(bare):
        raise FormatError(
            "a code has 24 letters and digits, and none of them is 0, 1, 8 or 9", "code"
        )
    return "-".join(bare[i : i + _GROUP] for i in range(0, len(bare), _GROUP))
