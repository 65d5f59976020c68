"""Transfers to prove things about, the same in every group."""

from dataclasses import dataclass

from commitments.group import Group
from commitments.purchase import BuyerKeys, Opening
from policies.transfer import TransferBody, transfer_statement
from tests.zk.claims import ENTROPY, opening, ring, scalar
from zk.hedged import HedgedScalars
from zk.prove import prove
from zk.statement import Ring, Statement
from zk.transfer import Acceptance, blind, prove_acceptance

ORIGIN = "ledger.example/acme"


def keys_of(group: Group, number: int) -> BuyerKeys:
    """The keys of the new owner with this number."""
    names = ("serial", "secret", "blinding")
    return BuyerKeys(*(scalar(group, "new owner", name, number) for name in names))


def accept(group: Group, blinded: bytes, keys: BuyerKeys, origin: str = ORIGIN) -> Acceptance:
    """An honest acceptance, a function of its inputs."""
    random = HedgedScalars(group, [keys.secret, keys.blinding], blinded, ENTROPY)
    return prove_acceptance(group, origin, blinded, keys, random.scalar)


def body_of(blinded: bytes, acceptance: Acceptance) -> TransferBody:
    """A body over the whole log of 100 entries."""
    return TransferBody(
        origin=ORIGIN,
        date="2026-11-21",
        first=0,
        size=100,
        voided_at=100,
        lane=0,
        blinded=blinded,
        acceptance=acceptance,
        nonce="00" * 16,
    )


@dataclass(frozen=True)
class Handover:
    """A purchase, ``mine``, on its way to the new owner with number ``to``."""

    group: Group
    mine: Opening
    to: int = 0

    @property
    def beta(self) -> int:
        """The blinding of E."""
        return scalar(self.group, "beta", self.mine.serial, self.to)

    @property
    def keys(self) -> BuyerKeys:
        """The new owner's."""
        return keys_of(self.group, self.to)

    @property
    def blinded(self) -> bytes:
        """E, encoded."""
        return self.group.encode(blind(self.group, self.mine, self.beta))

    def body(self, blinded: bytes | None = None) -> TransferBody:
        """The body, honest or of another E, which the new owner accepts."""
        E = self.blinded if blinded is None else blinded
        return body_of(E, accept(self.group, E, self.keys))

    def statement(self, members: int | Ring = 8, body: TransferBody | None = None) -> Statement:
        """The statement of a body over a ring, or over that of so many purchases."""
        of = ring(self.group, members) if isinstance(members, int) else members
        return transfer_statement(self.group, body or self.body(), bytes(32), of)

    def prove(self, statement: Statement) -> bytes:
        """The owner's proof, a function of its inputs."""
        return prove(statement, self.mine, beta=self.beta, entropy=ENTROPY)


def handover(group: Group, number: int = 3, to: int = 0) -> Handover:
    """Purchase ``number`` on its way to new owner number ``to``."""
    return Handover(group, opening(group, number), to)
