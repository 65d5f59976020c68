"""What commands offer, without importing the rooms that know it, is what those rooms know."""

from collections.abc import Iterable
from enum import StrEnum
from typing import get_args

import pytest

from aftersales.claims import STATES
from aftersales.steps import DECLINE_REASONS, DISPUTE_REASONS, WANTS
from api.key_table import Scope
from cli import merchant, merchant_claims, merchant_keys, options, wallet_case
from ledger.voided import REASONS
from policies.claim import REMEDIES


@pytest.mark.parametrize(
    ("choices", "known"),
    [
        (merchant_claims.State, STATES),
        (merchant_claims.Decline, DECLINE_REASONS),
        (merchant_claims.Want, WANTS),
        (wallet_case.Dispute, DISPUTE_REASONS),
        (merchant.VoidReason, REASONS),
        (options.Remedy, REMEDIES),
        (merchant_keys.Scope, get_args(Scope)),
    ],
)
def test_commands_offer_what_there_is(choices: type[StrEnum], known: Iterable[str]) -> None:
    assert sorted(choice.value for choice in choices) == sorted(known)


def test_what_is_asked_for_is_asked_in_the_order_of_the_protocol() -> None:
    assert tuple(want.value for want in merchant_claims.Want) == WANTS
