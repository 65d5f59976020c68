"""A claim of each outcome, made in a sandbox by buyers with wallets of their own.

What takes time comes first, and then the clock is moved; so nobody waits for a week.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aftersales.steps import BUYER, MERCHANT, STEP
from cli.errors import Failure
from cli.merchant_service import MerchantService
from commitments.errors import Refused
from commitments.sandbox import is_sandbox
from ledger.events import DAILY
from policies.claim import claim_id
from sdk import ClaimResult, Shop, Wallet
from zk.prove import no_progress

__all__ = ["CONTACT", "OUTCOMES", "Outcome", "fill"]

CONTACT = X25519PrivateKey.from_private_bytes(b"anybody reads this in a sandbox!")
"""What buyers of these claims encrypt to. It is no secret."""

_BYSTANDERS = 36  # beside the buyers, so that a ring is full enough to hide among
_SMALLEST_RING = 2
_PRODUCT = "sandbox-item"
_SHOP = "workshop-1"
_WARRANTY, _REVIEW, _REFUND = "sandbox-warranty", "sandbox-review", "sandbox-refund"
_POLICY = {
    "schema": "kvitto-policy/v1",
    "version": 1,
    "kind": "warranty",
    "products": [_PRODUCT],
    "smallest_ring": _SMALLEST_RING,
    "valid_from": "2000-01-01",
    "valid_to": "2099-12-31",
    "remedies": ["repair", "replacement"],
    "response_time": "P7D",
}
_POLICIES: Sequence[Mapping[str, Any]] = (
    {**_POLICY, "id": _WARRANTY, "title": "Approved at once"},
    {
        **_POLICY,
        "id": _REVIEW,
        "title": "Looked at by a person",
        "review": True,
        "contact_key": CONTACT.public_key().public_bytes_raw().hex(),
    },
    {
        **_POLICY,
        "id": _REFUND,
        "kind": "refund",
        "title": "Money back",
        "ends_ownership": True,
        "remedies": ["refund"],
    },
)
_BEYOND_RESPONSE_TIME = "P8D"

_Step = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What became of a claim, and whose it is."""

    name: str
    claim_id: str
    state: str
    policy: str
    wallet: str


class _Stage:
    """The sandbox, and the wallets of its buyers as files in ``directory``."""

    def __init__(
        self, shop: Shop, service: MerchantService, directory: Path, passphrase: str
    ) -> None:
        self.shop = shop
        self.origin = shop.keys().origin
        if not is_sandbox(self.origin):
            raise Failure("this is no sandbox: what happens in its log is real")
        self._service = service
        self._directory, self._passphrase = directory, passphrase

    def post(self, path: str, document: Any) -> Any:
        """As the merchant."""
        return self._service.post(f"merchants/{self.shop.merchant}/{path}", document)

    def read(self, path: str = "") -> Any:
        """As anybody."""
        return self._service.get(f"merchants/{self.shop.merchant}/{path}".rstrip("/"))

    def file(self, name: str) -> Path:
        return self._directory / f"{name}.wallet"

    def create(self, name: str) -> Wallet:
        """A buyer's new wallet, which goes by the sandbox's clock."""
        file = self.file(name)
        wallet = Wallet.create(file, self._passphrase, sandbox=True, smallest_ring=_SMALLEST_RING)
        wallet.follow_clock(self.shop)
        return wallet

    def copy(self, name: str, copied: str) -> Wallet:
        """The wallet ``name``, as it is in its file, in the hands of somebody who goes on alone."""
        shutil.copy(self.file(name), self.file(copied))
        file = self.file(copied)
        wallet = Wallet.open(file, self._passphrase, smallest_ring=_SMALLEST_RING)
        wallet.follow_clock(self.shop)
        return wallet

    def step(self, identifier: str, step: str, *, by: str = MERCHANT, **members: Any) -> None:
        """Take a step of a case; without attachments."""
        number = self.read(f"claims/{identifier}/case")["number"]
        document = {
            "type": STEP,
            "claim_id": identifier,
            "number": number,
            "by": by,
            "step": step,
            "attachments": [],
            **members,
        }
        self.post(f"claims/{identifier}/steps", {"step": document, "attachments": []})

    def state(self, identifier: str) -> str:
        """What the service says of a claim; a decline leaves nothing that it could say."""
        try:
            decision = self.read(f"claims/{identifier}")
        except Refused:
            return "declined"
        case = self.read(f"claims/{identifier}/case")
        if case["overdue"]:
            return "overdue"
        if case["redeemed"] is not None:
            return "redeemed"
        return str(decision["status"] if decision["retire_by"] else case["state"])


# ---- outcomes, each by a buyer of its own


def _claim(stage: _Stage, wallet: Wallet, policy: str) -> ClaimResult:
    remedy = "refund" if policy == _REFUND else "repair"
    return wallet.claim(stage.shop, policy, remedy=remedy)


def _made(policy: str) -> Callable[[_Stage, Wallet], str]:
    """The claim is made, and left."""
    return lambda stage, wallet: _claim(stage, wallet, policy).claim_id


def _stepped(*steps: _Step) -> Callable[[_Stage, Wallet], str]:
    """A claim that is looked at, and the merchant's steps after it."""

    def make(stage: _Stage, wallet: Wallet) -> str:
        identifier = _claim(stage, wallet, _REVIEW).claim_id
        for step, members in steps:
            stage.step(identifier, step, **members)
        return identifier

    return make


def _answered(name: str, **members: Any) -> Callable[[_Stage, Wallet], str]:
    """A claim that is approved, and a step of the buyer after that."""

    def make(stage: _Stage, wallet: Wallet) -> str:
        identifier = _stepped(_APPROVE)(stage, wallet)
        wallet.take_step(stage.shop, wallet.claims[-1], name, **members)
        return identifier

    return make


def _refunded(stage: _Stage, wallet: Wallet) -> str:
    return wallet.retire(stage.shop, _claim(stage, wallet, _REFUND)).claim_id


def _forged(stage: _Stage, wallet: Wallet) -> str:
    """A proof of which one bit is another."""
    prepared = wallet.preview(stage.shop, _WARRANTY, remedy="repair").prepared
    honest = prepared.prove(no_progress)
    proof = honest.proof[:-1] + bytes([honest.proof[-1] ^ 1])
    stage.shop.submit(honest.body, proof)
    return claim_id(honest.body, proof)


def _redeemed(stage: _Stage, wallet: Wallet) -> str:
    identifier = _stepped(_APPROVE)(stage, wallet)
    claim = wallet.claims[-1]
    wallet.follow(stage.shop, claim)
    token = wallet.redemption(claim, _SHOP)
    members = {name: token[name] for name in ("shop", "signed", "signature")}
    stage.step(identifier, "redeem", by=BUYER, **members)
    return identifier


_APPROVE: _Step = ("approve", {"resolution": "repair", "share": 100})
_START: _Step = ("start", {})
_COMPLETE: _Step = ("complete", {})

_EARLY: Mapping[str, tuple[str, Callable[[_Stage, Wallet], str]]] = {
    "lapsed": (_REFUND, _made(_REFUND)),
    "overdue": (_REVIEW, _made(_REVIEW)),
}
"""What the response time is waited for."""

_LATE: Mapping[str, tuple[str, Callable[[_Stage, Wallet], str]]] = {
    "approved": (_WARRANTY, _made(_WARRANTY)),
    "declined-already_claimed": (_WARRANTY, _made(_WARRANTY)),
    "declined-proof_invalid": (_WARRANTY, _forged),
    "awaiting_secret": (_REFUND, _made(_REFUND)),
    "refunded": (_REFUND, _refunded),
    "declined-ownership_ended": (_WARRANTY, _made(_WARRANTY)),
    "under_review": (_REVIEW, _made(_REVIEW)),
    "needs_information": (_REVIEW, _stepped(("ask", {"wants": ["photo"]}))),
    "declined-no_fault_found": (_REVIEW, _stepped(("decline", {"reason": "no_fault_found"}))),
    "in_process": (_REVIEW, _stepped(_APPROVE, _START)),
    "completed": (_REVIEW, _stepped(_APPROVE, _START, _COMPLETE)),
    "canceled": (_REVIEW, _answered("withdraw")),
    "disputed": (_REVIEW, _answered("dispute", reason="too_late")),
    "redeemed": (_REVIEW, _redeemed),
}
_COPIES = {"declined-already_claimed": "approved", "declined-ownership_ended": "refunded"}
"""Who does something a second time, with a wallet from before the first."""

OUTCOMES = (*_EARLY, *_LATE)
"""The names of all outcomes."""


def fill(
    shop: Shop,
    service: MerchantService,
    directory: Path,
    passphrase: str,
    progress: Callable[[int], None],
) -> list[Outcome]:
    """One claim of each of :data:`OUTCOMES`, in the sandbox that ``shop`` is.

    ``service`` is asked as its merchant.

    It publishes three policies where they are not there yet, records purchases, and moves the clock
    on by eight days, and by one more where the log closes each day. The buyers' wallets stay in
    ``directory``. ``Failure`` for a shop that is no sandbox.
    """
    stage = _Stage(shop, service, directory, passphrase)
    _publish(stage)
    buyers = {name: stage.create(name) for name in OUTCOMES if name not in _COPIES}
    _sell(stage, buyers)
    for copied, name in _COPIES.items():
        buyers[copied] = stage.copy(name, copied)
    made: dict[str, str] = {}
    for name, (_, make) in _EARLY.items():
        made[name] = make(stage, buyers[name])
    stage.post("clock", {"advance": _BEYOND_RESPONSE_TIME})
    for name, (_, make) in _LATE.items():
        made[name] = make(stage, buyers[name])
        progress(len(made))
    for wallet in buyers.values():
        wallet.close()
    policies = {name: policy for name, (policy, _) in {**_EARLY, **_LATE}.items()}
    return [
        Outcome(name, made[name], stage.state(made[name]), policies[name], str(stage.file(name)))
        for name in OUTCOMES
    ]


def _publish(stage: _Stage) -> None:
    known = {version["policy"]["id"] for version in stage.read("policies")["policies"]}
    for policy in _POLICIES:
        if policy["id"] not in known:
            stage.post("policies", {**policy, "origin": stage.origin})


def _sell(stage: _Stage, buyers: Mapping[str, Wallet]) -> None:
    """Something to each buyer and to some more, in a close that can be proven from."""
    bystanders = [Wallet.in_memory(sandbox=True) for _ in range(_BYSTANDERS)]
    today = stage.read("clock")["time"][:10]
    sale = {"date": today, "product": _PRODUCT, "price": 24_900, "currency": "EUR"}
    run = token_hex(4)  # orders of one sandbox must differ, however often it is filled
    purchases = [
        {
            "order": f"{run}-{number}",
            "sale": {**sale, "batch": None, "unit": None},
            "request": wallet.request(stage.origin, f"{run}-{number}").document(),
        }
        for number, wallet in enumerate([*buyers.values(), *bystanders])
    ]
    rows = stage.post("purchases/bulk", {"purchases": purchases})["rows"]
    for wallet, row in zip(buyers.values(), rows[: len(buyers)], strict=True):
        wallet.accept(stage.shop, row["receipt"])
    if stage.read()["declaration"]["period"] == DAILY:
        stage.post("clock", {"advance": "P1D"})
    else:
        stage.post("closes", {})
