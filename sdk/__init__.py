"""The buyer's room: a wallet that believes nobody, and a client for the shop's service.

``Wallet`` and ``Shop`` are all that most programs need; the README has an example of ten lines.
"""

from commitments.errors import DamagedFile, NewerFile, WrongPassphrase
from sdk.advice import Advice
from sdk.claims import ClaimResult
from sdk.errors import (
    NeverJudged,
    NotEligible,
    NotKept,
    NotProvableYet,
    PolicyChanged,
    RingTooSmall,
    SeveralQualify,
    ShopError,
    StaleLog,
    UnexpectedAnswer,
    Unreachable,
    WalletError,
    WalletInUse,
)
from sdk.follow_ups import Message
from sdk.preview import Preview
from sdk.shop import Shop
from sdk.state import Claim, Purchase
from sdk.transfer_state import Transfer
from sdk.transferring import TransferPreview
from sdk.transfers import TransferResult
from sdk.wallet import Wallet
from zk.issuance import BuyerRequest

__all__ = [
    "Advice",
    "BuyerRequest",
    "Claim",
    "ClaimResult",
    "DamagedFile",
    "Message",
    "NeverJudged",
    "NewerFile",
    "NotEligible",
    "NotKept",
    "NotProvableYet",
    "PolicyChanged",
    "Preview",
    "Purchase",
    "RingTooSmall",
    "SeveralQualify",
    "Shop",
    "ShopError",
    "StaleLog",
    "Transfer",
    "TransferPreview",
    "TransferResult",
    "UnexpectedAnswer",
    "Unreachable",
    "Wallet",
    "WalletError",
    "WalletInUse",
    "WrongPassphrase",
]
