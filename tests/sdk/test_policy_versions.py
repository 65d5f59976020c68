"""A merchant changes what it promises: what the wallet claims under, and the lies told to it."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import pytest

from commitments.errors import VerificationError
from sdk import NotEligible, Wallet
from sdk.logs import MerchantView
from tests.sdk.forgeries import Event, all_events, show
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, WARRANTY

WORSE = {"price": {"currency": "EUR", "min": 1000, "max": 2000}}


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    """With a purchase of 15 November, on the 21st."""
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.close()
    return wallet


def look(server: ShopServer, wallet: Wallet) -> MerchantView:
    with server.shop() as shop:
        return wallet.look(shop)


def versions_claimed(server: ShopServer, wallet: Wallet) -> list[int]:
    result = wallet.claim(server.shop(), "warranty-2y", remedy="repair")
    assert result.decision == "approved"
    return [claim.body.version for claim in wallet.claims]


def showing(server: ShopServer, events: Sequence[Event]) -> None:
    """From now on the service shows another log, properly signed."""
    server.lies["/events"] = lambda _: show(server, events)


def ends(view: MerchantView) -> list[date | None]:
    return [version.end for version in view.versions]


# ---- which version


def test_an_earlier_purchase_is_claimed_under_what_was_promised_for_it(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.publish(WARRANTY, version=2, **WORSE)
    server.world.clock.advance(days=2)
    server.sell(wallet, "1002", date=date(2026, 11, 23))
    server.world.close()
    earlier, later = wallet.purchases
    with pytest.raises(NotEligible, match="above the maximum"):
        wallet.preview(server.shop(), "warranty-2y", remedy="repair", purchase=later)
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair", purchase=earlier)
    assert "it was bought from 2024-11-23 to 2026-11-21" in shown.learns
    assert versions_claimed(server, wallet) == [1]


@pytest.mark.parametrize(
    ("changes", "best"),
    [
        ({}, 2),  # the same again: the newest
        ({"purchased": {"oldest": "P3Y"}}, 2),
        ({"purchased": {"oldest": "P1Y"}, "claims_per_purchase": 9}, 1),
        ({"claims_per_purchase": 2}, 2),
        ({"remedies": ["repair", "replacement", "refund"]}, 2),
        ({"remedies": ["repair"]}, 1),
        ({"remedies": ["refund"]}, 1),
        ({"covers_from": "2026-11-15"}, 2),
        ({"covers_from": "2026-11-16", "purchased": {"oldest": "P9Y"}}, 1),
        ({"ends_ownership": True, "purchased": {"oldest": "P9Y"}}, 1),
        ({"review": True, "contact_key": "09" + 31 * "00", "purchased": {"oldest": "P9Y"}}, 1),
        ({"valid_from": "2026-11-22", "purchased": {"oldest": "P9Y"}}, 1),
    ],
)
def test_the_best_of_the_versions_that_apply_is_claimed_under(
    server: ShopServer, wallet: Wallet, changes: dict[str, Any], best: int
) -> None:
    server.world.publish(WARRANTY, version=2, **changes)
    assert versions_claimed(server, wallet) == [best]


def test_the_preview_says_that_the_version_tells_something(
    server: ShopServer, wallet: Wallet
) -> None:
    told = "version 1 is named"
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert not any(told in line for line in shown.learns)
    server.world.publish(WARRANTY, version=2, **WORSE)
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert any(told in line for line in shown.learns)


def test_versions_that_are_over_tell_nothing(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, id="w", purchased={"oldest": "P7D"})
    server.world.publish(WARRANTY, id="w", version=2)
    for days, others in ((0, 1), (7, 1), (1, 0)):
        server.world.clock.advance(days=days)
        server.world.close()
        shown = wallet.preview(server.shop(), "w", remedy="repair")
        assert len(shown.prepared.others) == others


def test_a_withdrawn_policy_is_open_for_what_was_bought_before(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.verifier.withdraw(ORIGIN, ("warranty-2y", 1), date(2026, 11, 22))
    server.world.clock.advance(days=1)
    stranger = server.wallet()
    server.sell(stranger, "1002", date=date(2026, 11, 22))
    server.world.close()
    with pytest.raises(NotEligible, match="covers purchases before 2026-11-22 only"):
        stranger.claim(server.shop(), "warranty-2y", remedy="repair")
    assert versions_claimed(server, wallet) == [1]


def test_covered_from_a_later_day(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, id="new", covers_from="2026-11-16")
    with pytest.raises(NotEligible, match="covers purchases from 2026-11-16 on"):
        wallet.claim(server.shop(), "new", remedy="repair")


# ---- lies


def test_server_hides_that_a_version_was_superseded(server: ShopServer, wallet: Wallet) -> None:
    """One wallet's claims would have another range of days, and so be its own."""
    server.world.publish(WARRANTY, version=2, **WORSE)
    server.world.publish(WARRANTY, id="later")
    events = all_events(server.world)
    shown = [i for i, event in enumerate(events) if event["type"] != "policy.superseded"]
    assert len(shown) == len(events) - 1
    server.lies["/events"] = partial(lambda evidence, _: evidence, show(server, events, shown))
    with pytest.raises(VerificationError, match="a policy is hidden"):
        look(server, wallet)
    server.lies.clear()
    assert ends(look(server, wallet)) == [date(2026, 11, 22), None, None]


def test_server_hides_the_last_end_that_was_shown_before(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.publish(WARRANTY, version=2, **WORSE)
    look(server, wallet)
    events = all_events(server.world)
    shown = [i for i, event in enumerate(events) if event["type"] != "policy.superseded"]
    server.lies["/events"] = partial(lambda evidence, _: evidence, show(server, events, shown))
    with pytest.raises(VerificationError, match="hidden or another"):
        look(server, wallet)
    server.lies.clear()
    look(server, wallet)


def test_a_wallet_that_knew_no_ends_takes_them_up(server: ShopServer, wallet: Wallet) -> None:
    """Wallets of version 0.1 have a digest of what they were shown, and were shown no ends."""
    server.world.publish(WARRANTY, version=2, **WORSE)
    events = all_events(server.world)
    old = [i for i, event in enumerate(events) if event["type"] != "policy.superseded"]
    server.lies["/events"] = partial(lambda evidence, _: evidence, show(server, events, old))
    assert ends(look(server, wallet)) == [None, None]
    server.lies.clear()
    assert ends(look(server, wallet)) == [date(2026, 11, 22), None]
    assert ends(look(server, wallet)) == [date(2026, 11, 22), None]


def end(events: Sequence[Event], **changes: Any) -> Event:
    number = sum(event["type"].startswith("policy.") for event in events)
    return {
        "type": "policy.withdrawn",
        "time": events[-1]["time"],
        "number": number,
        "policy": "warranty-2y",
        "version": 1,
        "from": "2026-11-22",
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "2026-11-21"},  # for purchases of the same day
        {"from": "2026-11-01"},  # for all of the month
        {"from": "2026-11-01", "time": "2026-10-31T08:00:00Z"},  # and as if it had been in time
    ],
)
def test_server_ends_a_version_retroactively(server: ShopServer, changes: dict[str, Any]) -> None:
    """It has no effect, here as at the verifier of an honest service and with every auditor."""
    server.world.close()
    events = all_events(server.world)
    honest = end(events)
    showing(server, [*events, {**honest, **changes}])
    assert ends(look(server, server.wallet())) == [None]
    showing(server, [*events, honest])
    assert ends(look(server, server.wallet())) == [date(2026, 11, 22)]


@pytest.mark.parametrize("number", [0, 2, 7, -1])
def test_server_numbers_an_end_with_a_gap(server: ShopServer, wallet: Wallet, number: int) -> None:
    events = all_events(server.world)
    showing(server, [*events, end(events, number=number)])
    with pytest.raises(VerificationError, match="a policy is hidden"):
        look(server, wallet)
    showing(server, [*events, end(events)])
    look(server, wallet)


def test_server_publishes_two_versions_two(server: ShopServer, wallet: Wallet) -> None:
    """The first counts, for everybody; with one number each, nobody sees only the second."""
    server.world.publish(WARRANTY, version=2, claims_per_purchase=2)
    events = all_events(server.world)
    first = events[-2]
    second = {**first, "number": 3, "policy": {**first["policy"], "claims_per_purchase": 9}}
    showing(server, [*events, second])
    view = look(server, server.wallet())
    assert [v.policy.claims_per_purchase for v in view.versions] == [1, 2]
    instead = [*events[:-2], {**second, "number": 1}, events[-1], {**first, "number": 3}]
    showing(server, instead)
    assert [v.policy.claims_per_purchase for v in look(server, server.wallet()).versions] == [1, 9]
    look_before = server.wallet()
    server.lies.clear()
    look(server, look_before)
    showing(server, instead)
    with pytest.raises(VerificationError):
        look(server, look_before)
    showing(server, [*events, {**second, "number": 1}])
    with pytest.raises(VerificationError, match="two have one number"):
        look(server, wallet)
