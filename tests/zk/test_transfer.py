"""Transfers at the level of proofs: the honest ones, and the attacks on them."""

import pytest

from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import commit
from tests.zk.tiny_group import TOY
from tests.zk.transfers import ORIGIN, handover
from zk.statement import tag_base
from zk.transfer import handed_over, verify_acceptance
from zk.verify import proof_size, verify

GROUPS = pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])


@GROUPS
def test_a_purchase_passes_to_its_next_owner(group: Group) -> None:
    sale = handover(group)
    body, statement = sale.body(), sale.statement()
    C_new = verify_acceptance(group, ORIGIN, body.blinded, body.acceptance)
    proof = sale.prove(statement)
    assert len(proof) == proof_size(statement)
    (tag,) = verify(statement, proof).tags
    (scope,) = statement.scopes
    assert tag == group.encode(group.multiply(sale.mine.secret, tag_base(group, scope)))
    theirs = handed_over(group, sale.mine.attributes, sale.mine.serial, sale.beta, sale.keys)
    assert group.equal(C_new, commit(group, theirs))
    assert (theirs.serial, theirs.secret) == (sale.mine.serial, sale.keys.secret)
