"""The JSON documents of the interface, described for OpenAPI.

These models parse nothing: bodies are read by the rooms' own strict parsers, and answers are what
the rooms say. A test holds every answer against its model.
"""

from api.documents.cases import NewStep, SignedRequest
from api.documents.catalogue import CatalogueRule, NewProducts, Removal
from api.documents.claims import NewClaim, Retirement
from api.documents.keys import NewKey, Rotation
from api.documents.mailbox import Deletion, Deposit, Lookup
from api.documents.merchants import NewMerchant
from api.documents.policies import Withdrawal
from api.documents.purchases import NewPurchase, NewPurchases, NewSales, Redemption
from api.documents.reports import NewReport
from api.documents.sandboxes import ClockMove, NewSandbox
from api.documents.transfers import NewTransfer
from api.documents.voids import NewVoid, NewVoids
from api.documents.webhooks import NewWebhook, ReplayDead, WebhookSettings
from policies.policy import Policy

__all__ = ["REQUESTS"]

REQUESTS = (
    NewMerchant,
    NewSandbox,
    ClockMove,
    NewKey,
    Rotation,
    NewPurchase,
    NewPurchases,
    NewSales,
    Redemption,
    NewVoid,
    NewVoids,
    NewProducts,
    Removal,
    CatalogueRule,
    Policy,
    Withdrawal,
    NewReport,
    NewClaim,
    NewStep,
    SignedRequest,
    NewTransfer,
    Retirement,
    Deposit,
    Lookup,
    Deletion,
    NewWebhook,
    WebhookSettings,
    ReplayDead,
)
"""The documents that are bodies of requests."""
