"""What can go wrong in the buyer's room, besides the errors of every room.

KvittoError
├── WalletError             the wallet refuses
│   ├── WalletInUse           another process has it open
│   ├── NotEligible           no purchase satisfies the policy; says which predicate, by how much
│   ├── SeveralQualify        more than one does: name it
│   ├── NotProvableYet        the purchase has not been closed yet
│   ├── RingTooSmall          fewer purchases to hide among than the policy or the buyer asks for
│   ├── StaleLog              the last close is old: newer ones may be hidden
│   ├── BoxTooSmall           a purchase has more to it than fits into a box of the mailbox
│   ├── PolicyChanged         the same tags would be shown under other conditions
│   └── NeverJudged           a claim without an answer is not answered any more
└── ShopError               the shop's service cannot be used
    ├── Unreachable           no answer: nothing is known about what became of the request
    │   └── NotKept             without the network, and the wallet has not kept what it takes
    └── UnexpectedAnswer      an answer that this protocol does not know, or without end

All of it is local knowledge. Nothing in these errors is ever sent.
"""

from collections.abc import Sequence
from datetime import datetime

from commitments.errors import KvittoError

__all__ = [
    "BoxTooSmall",
    "NeverJudged",
    "NotEligible",
    "NotKept",
    "NotProvableYet",
    "PolicyChanged",
    "RingTooSmall",
    "SeveralQualify",
    "ShopError",
    "StaleLog",
    "UnexpectedAnswer",
    "Unreachable",
    "WalletError",
    "WalletInUse",
    "WrongWallet",
]

# The names say what happened, as those of commitments.errors do.
# ruff: noqa: N818


class WalletError(KvittoError):
    """The wallet refuses."""


class WalletInUse(WalletError):
    """Another process has the file open."""


class WrongWallet(WalletError):
    """Sandboxes and shops are never in one wallet: what is for sandboxes is worth nothing."""

    def __init__(self, *, sandbox: bool) -> None:
        super().__init__(
            "this is a sandbox, in which nothing is real: only a wallet for sandboxes takes it"
            if sandbox
            else "this wallet is for sandboxes only"
        )


class NotEligible(WalletError):
    """No purchase can make this claim.

    ``reasons`` holds one sentence for each predicate that fails, with by how much.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class SeveralQualify(WalletError):
    """More than one purchase can make this claim; ``orders`` are their order references."""

    def __init__(self, orders: Sequence[str]) -> None:
        super().__init__(f"{len(orders)} purchases qualify: name the one that is meant")
        self.orders = tuple(orders)


class NotProvableYet(WalletError):
    """The purchase has not been closed yet: it can be proven from the log's next close on."""


class RingTooSmall(WalletError):
    """The ring has ``size`` members, and the policy or the buyer asks for ``minimum``."""

    def __init__(self, size: int, minimum: int) -> None:
        super().__init__(f"only {size} purchases to hide among, where {minimum} are asked for")
        self.size = size
        self.minimum = minimum


class StaleLog(WalletError):
    """The last close was recorded at ``recorded``, too long ago; None if there is none at all.

    Newer ones may be hidden. A claim over it tells how old the purchase is at least; a wallet that
    is restored then does not hear of the last claims.
    """

    def __init__(self, recorded: datetime | None) -> None:
        last = f"the log's last close is of {recorded:%F}" if recorded else "the log has no close"
        super().__init__(
            f"{last}: the service may be hiding newer ones, and what came after them; or this"
            " computer's clock is wrong"
        )
        self.recorded = recorded


class BoxTooSmall(WalletError):
    """A purchase has more to it than fits into a box of the mailbox: no words bring it back."""

    def __init__(self) -> None:
        super().__init__("a receipt is too long for the mailbox: keep a copy of the wallet's file")


class PolicyChanged(WalletError):
    """Every slot that is left has shown its tags in a claim under other conditions."""

    def __init__(self) -> None:
        super().__init__(
            "an earlier claim has shown the same tags, and the policy has changed since: "
            "a claim under both would narrow down which purchase it is"
        )


class NeverJudged(WalletError):
    """A claim was sent again, and the shop says that it never judged it and never will."""

    def __init__(self) -> None:
        super().__init__(
            "the shop will not answer the earlier claim; a new one may show the same tags again"
        )


class ShopError(KvittoError):
    """The shop's service cannot be used."""


class Unreachable(ShopError):
    """No complete answer came. Whether the shop has seen the request is not known."""


class NotKept(Unreachable):
    """Without the network: the wallet has not kept what this takes."""

    def __init__(self) -> None:
        super().__init__(
            "the wallet has not kept what this takes, or it has been damaged: ask once with the"
            " network"
        )


class UnexpectedAnswer(ShopError):
    """An answer that this protocol does not know, that is too long, or that does not end."""
