"""Keys that the words still give, of what went with a device (docs/protocol.md 3, *Seeds*).

Those of the first places of each device that the wallet knows of are tried.
"""

from hashlib import sha256

from commitments.generators import blinding_generator
from commitments.purchase import BuyerKeys
from sdk.remembered import GROUP
from sdk.seed import Place, Seed
from sdk.state import Purchase, State
from sdk.transfer_state import Accepted
from zk.transfer import Acceptance, accepted_with, blind

__all__ = ["keys_of_acceptance", "lost_acceptance", "lost_beta", "new_beta", "order_of_offer"]


def order_of_offer(blinded: bytes) -> str:
    """What a purchase will be called by who accepts the offer of E, ``blinded``."""
    return f"transfer-{sha256(blinded).hexdigest()[:32]}"


def new_beta(seed: Seed, purchase: Purchase, place: Place) -> int:
    """The blinding of the offer of ``purchase`` that has the keys of ``place``."""
    order = f"offer-{sha256(purchase.commitment).hexdigest()[:32]}"
    return seed.keys(GROUP, purchase.origin, place, order).blinding


def keys_of_acceptance(seed: Seed, origin: str, blinded: bytes, place: Place) -> BuyerKeys:
    """The keys that ``place`` gives for what E, ``blinded``, commits to."""
    return seed.keys(GROUP, origin, place, order_of_offer(blinded))


def lost_beta(state: State, purchase: Purchase, blinded: bytes) -> int | None:
    """The blinding of E, ``blinded``, which these words have offered ``purchase`` with."""
    seed, generator = state.identity.seed, blinding_generator(GROUP)
    rest = GROUP.subtract(GROUP.decode(blinded), blind(GROUP, purchase.opening, 0))
    betas = (new_beta(seed, purchase, place) for place in state.known_places())
    return next((b for b in betas if GROUP.equal(GROUP.multiply(b, generator), rest)), None)


def lost_acceptance(
    state: State, origin: str, blinded: bytes, acceptance: Acceptance
) -> Accepted | None:
    """The acceptance that these words have given of the offer of E, with its keys.

    ``FormatError`` if E is no point.
    """
    seed, offered = state.identity.seed, GROUP.decode(blinded)
    for place in state.known_places():
        keys = keys_of_acceptance(seed, origin, blinded, place)
        if GROUP.encode(accepted_with(GROUP, offered, keys)) == acceptance.commitment:
            return Accepted(origin, order_of_offer(blinded), blinded, keys, acceptance, place)
    return None
