"""The two sides of a transfer: a seller, and a new owner who can claim afterwards."""

from dataclasses import dataclass, replace
from typing import Any

from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening
from commitments.wire import encode_base64
from ledger.closed import ClosedLogs
from ledger.log import Log
from ledger.rings import RingName, build_ring
from policies.body import new_nonce
from policies.transfer import TransferBody, transfer_statement
from tests.world import ORIGIN, Bought, World, new_keys, random_scalar
from verifier.transfer import Transfer
from zk.prove import prove
from zk.statement import Ring, Statement
from zk.transfer import Acceptance, blind, handed_over, prove_acceptance

__all__ = ["VOID_WINDOW", "Handover", "hand_over", "settle", "statement_of"]

VOID_WINDOW = 14  # periods: what a merchant has unless it chooses


@dataclass(frozen=True)
class Handover:
    """A purchase on its way from ``seller`` to who has the keys, with the seller's proof."""

    world: World
    seller: Bought
    keys: BuyerKeys
    opening: Opening
    body: TransferBody
    proof: bytes

    @property
    def commitment(self) -> bytes:
        """C_new."""
        return self.body.acceptance.commitment

    def document(self) -> dict[str, Any]:
        """What the seller sends."""
        return {"transfer": self.body.document(), "proof": encode_base64(self.proof)}

    def approve(self) -> Transfer:
        return self.world.verifier.transfers.decide(ORIGIN, self.body, self.proof)

    def retire(self, transfer: Transfer) -> Transfer:
        secret = self.seller.keys.secret
        return self.world.verifier.transfers.retire(ORIGIN, transfer.transfer_id, secret)

    def complete(self) -> Bought:
        """Both steps; the purchase as the new owner has it."""
        done = self.retire(self.approve())
        assert done.index is not None
        return Bought(done.index, self.keys, self.opening, {})


def settle(world: World) -> None:
    """Let so many periods pass that no void of what is in the log can come any more."""
    for _ in range(1 + VOID_WINDOW):
        world.close()


def hand_over(
    world: World, seller: Bought, keys: BuyerKeys | None = None, **changes: Any
) -> Handover:
    """An honest transfer with its proof; ``changes`` are of the body, made before the proof."""
    keys, beta = keys or new_keys(), random_scalar()
    blinded = P256.encode(blind(P256, seller.opening, beta))
    acceptance = prove_acceptance(P256, ORIGIN, blinded, keys, random_scalar)
    body = replace(_body(world, seller, blinded, acceptance), **changes)
    proof = prove(statement_of(world, body), seller.opening, beta=beta)
    opening = handed_over(P256, seller.opening.attributes, seller.opening.serial, beta, keys)
    return Handover(world, seller, keys, opening, body, proof)


def _body(world: World, seller: Bought, blinded: bytes, acceptance: Acceptance) -> TransferBody:
    """Over the largest span whose voids are settled."""
    with world.store.read() as connection:
        partition = ClosedLogs().partition(connection, ORIGIN)
    last = partition.closes[-1].size
    size = max(
        (c.size for c in partition.closes if partition.voids_are_settled(c.size, last)),
        default=last,
    )
    return TransferBody(
        origin=ORIGIN,
        date=world.clock().date().isoformat(),
        first=0,
        size=size,
        voided_at=last,
        lane=partition.lane_of(seller.index, 0, size),
        blinded=blinded,
        acceptance=acceptance,
        nonce=new_nonce(),
    )


def statement_of(world: World, body: TransferBody) -> Statement:
    with world.store.read() as connection:
        partition = ClosedLogs().partition(connection, ORIGIN)
        name = RingName(body.first, body.size, body.voided_at, body.lane)
        ring = build_ring(Log(connection, ORIGIN), partition, name, P256.decode)
    return transfer_statement(P256, body, ring.root, Ring(P256, ring.members))
