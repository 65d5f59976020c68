"""The buyer's wallet: keys, receipts and claims, and the order in which things become durable.

What the wallet must not forget is written before anyone else can know of it: keys before the
request is handed out, a claim before it is sent, the sending of a secret before the secret.
"""

from sdk.buying import Buying
from sdk.claims import Claims
from sdk.follow_ups import FollowUps
from sdk.transfers import Transfers

__all__ = ["Wallet"]


class Wallet(Buying, Claims, FollowUps, Transfers):
    """A buyer's purchases at any number of merchants. For one thread at a time.

    Use :meth:`create`, :meth:`open` or :meth:`in_memory`. ``clock`` says which day it is;
    ``smallest_ring`` is the buyer's own minimum, beside that of each policy.
    """
