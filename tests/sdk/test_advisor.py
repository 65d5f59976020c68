"""Advice is worked out from whole feeds: what concerns a purchase, and what somebody forges."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from commitments.errors import FormatError, Refused, VerificationError
from commitments.sale import Sale
from ledger.event_log import append_event, events_of
from ledger.events import events_origin
from ledger.evidence import build_event_evidence
from ledger.log import Log
from policies.notice import parse_notice
from sdk import Wallet
from sdk.advisor import ENDS_SOON, Prospect
from sdk.calendar import calendar_of
from sdk.options import claim_period
from tests.sdk.shop_server import ShopServer
from tests.world import KETTLE, NOTICE, ORIGIN, REFUND, WARRANTY, published

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sold(day: str, **changes: Any) -> Sale:
    return Sale(date.fromisoformat(day), KETTLE, 24_900, "EUR", **changes)


def prospect(server: ShopServer, wallet: Wallet, remedy: str | None = None) -> Prospect:
    with server.shop() as shop:
        (found,) = wallet.prospects({ORIGIN: wallet.look(shop)}, remedy)
    return found


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    wallet = server.wallet()
    server.sell(wallet, "1001", batch="B7", unit="SN-1")
    server.world.close()
    return wallet


# ---- how long


@pytest.mark.parametrize(
    ("oldest", "day", "last"),
    [
        ("P2Y", "2024-02-28", "2026-02-28"),
        ("P2Y", "2024-02-29", "2026-02-28"),
        ("P1Y", "2023-02-28", "2024-02-29"),  # both days count back to it
        ("P1Y", "2023-03-01", "2024-03-01"),
        ("P1M", "2026-01-31", "2026-02-28"),
        ("P1M", "2026-02-28", "2026-03-31"),
        ("P14D", "2026-11-15", "2026-11-29"),
        ("P0D", "2026-11-15", "2026-11-15"),
    ],
)
def test_the_last_day_is_the_last_on_which_a_claim_counts_back_far_enough(
    oldest: str, day: str, last: str
) -> None:
    offered = published(purchased={"oldest": oldest}, valid_from="2020-01-01")
    sale = sold(day)
    days = [sale.date + timedelta(days=number) for number in range(1200)]
    windows = {each: offered.days(each) for each in days}
    holds = [each for each, found in windows.items() if found and found[0] <= sale.date <= found[1]]
    assert claim_period(offered, sale) == (holds[0], holds[-1])
    assert holds[-1] == date.fromisoformat(last)


def test_a_window_that_opens_later_and_a_policy_that_ends_sooner() -> None:
    offered = published(
        purchased={"oldest": "P1Y", "newest": "P14D"},
        valid_from="2026-01-01",
        valid_to="2026-06-30",
    )
    assert claim_period(offered, sold("2026-01-10")) == (date(2026, 1, 24), date(2026, 6, 30))
    assert claim_period(offered, sold("2024-01-10")) is None
    assert claim_period(offered, sold("2026-06-30")) is None
    fixed = published(purchased={"from": "2026-01-01", "to": "2026-01-31"})
    assert claim_period(fixed, sold("2026-01-31")) is not None
    assert claim_period(fixed, sold("2026-02-01")) is None
    assert claim_period(published(products=["OTHER"]), sold("2026-01-31")) is None


def test_a_window_from_before_the_calendar_spoils_nothing() -> None:
    absurd = published(
        purchased={"oldest": "P999Y9999M8000W"}, valid_from="1970-01-01", valid_to="1975-01-01"
    )
    assert claim_period(absurd, sold("1971-01-01")) is None


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (datetime(2026, 11, 21, 23, 59, tzinfo=UTC), 30),
        (datetime(2026, 11, 22, 13, 30, tzinfo=timezone(timedelta(hours=14))), 30),
        (datetime(2026, 11, 21, 13, 0, tzinfo=timezone(timedelta(hours=-11))), 29),
    ],
)
def test_days_are_those_of_utc_as_claims_count_them(
    server: ShopServer, now: datetime, left: int
) -> None:
    server.world.publish(REFUND, id="w-30", kind="warranty", purchased={"oldest": "P36D"})
    wallet = Wallet.in_memory(clock=lambda: now, smallest_ring=2)
    server.sell(wallet, "1001")
    found = prospect(server, wallet, "refund").warranty
    assert found is not None
    assert found.days_left(now.astimezone(UTC).date()) == left


@pytest.mark.parametrize(
    ("days", "soon"), [(120, None), (96, 90), (97, None), (36, 30), (13, 7), (6, 7)]
)
def test_what_ends_soon(server: ShopServer, wallet: Wallet, days: int, soon: int | None) -> None:
    window = {"oldest": f"P{days}D"}
    server.world.publish(WARRANTY, version=2, purchased=window, remedies=["store_credit"])
    assert prospect(server, wallet, "store_credit").ends_soon == soon


# ---- which policy


def test_the_policy_to_use_first_keeps_the_purchase_and_ends_first(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.publish(REFUND, remedies=["refund", "repair"])
    server.world.publish(WARRANTY, id="goodwill", purchased={"oldest": "P60D"})
    server.world.publish(WARRANTY, id="other", products=["OTHER"])
    names = [option.policy.id for option in prospect(server, wallet, "repair").options]
    assert names == ["goodwill", "warranty-2y", "refund-14d"]
    assert [o.policy.id for o in prospect(server, wallet, "refund").options] == ["refund-14d"]
    wallet.claim(server.shop(), "goodwill", remedy="repair")
    names = [option.policy.id for option in prospect(server, wallet, "repair").options]
    assert names == ["warranty-2y", "refund-14d"]  # the claim is used up


def test_what_a_new_version_means_for_a_purchase(server: ShopServer, wallet: Wallet) -> None:
    assert prospect(server, wallet).changes == ()
    server.world.publish(
        WARRANTY,
        version=2,
        purchased={"oldest": "P3Y"},
        remedies=["repair", "replacement", "store_credit"],
    )
    (better,) = prospect(server, wallet).changes
    assert (better.kind, better.conditions) == ("better", ("purchased", "remedies"))
    assert better.gained == ("365 days", "store credit")
    server.world.publish(WARRANTY, version=3, claims_per_purchase=2)
    (other,) = prospect(server, wallet).changes
    assert (other.kind, other.before.version, other.gained) == ("other", 2, ("1 claim",))
    assert other.lost == ("365 days", "store credit")


def test_a_version_that_is_worse_means_nothing_for_what_was_bought_before(
    server: ShopServer, wallet: Wallet
) -> None:
    for version, document in [
        (2, {**WARRANTY, "products": ["OTHER"]}),
        (3, {**WARRANTY, "purchased": {"oldest": "P1Y"}}),
    ]:
        server.world.publish(document, version=version)
        found = prospect(server, wallet)
        assert found.changes == ()
        assert [option.policy.version for option in found.options] == [1]
    server.world.publish(WARRANTY, version=4)
    assert prospect(server, wallet).changes == ()  # the same again
    assert [option.policy.version for option in prospect(server, wallet).options] == [4]


def test_a_version_that_covers_what_none_before_did(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, id="care", products=["OTHER"])
    assert prospect(server, wallet).changes == ()
    server.world.publish(WARRANTY, id="care", version=2)
    (change,) = prospect(server, wallet).changes
    assert (change.kind, change.before.version, change.conditions) == (
        "applies-now",
        1,
        ("products",),
    )


# ---- notices


def test_a_notice_reaches_whom_it_concerns_and_no_request_says_whom(
    server: ShopServer, wallet: Wallet
) -> None:
    server.world.verifier.publish_notice(ORIGIN, NOTICE)
    alert = {**NOTICE, "id": "firmware", "kind": "alert", "units": ["SN-1"], "date": "2026-11-02"}
    del alert["batches"], alert["products"]
    server.world.verifier.publish_notice(ORIGIN, alert)
    for number, other in enumerate(({"batches": ["B8"]}, {"products": ["OTHER"]})):
        server.world.verifier.publish_notice(ORIGIN, {**NOTICE, "id": f"{number}", **other})
    stranger = server.wallet()
    server.sell(stranger, "1002", batch="B8")
    server.requests.clear()
    assert [notice.id for notice in prospect(server, wallet).notices] == ["firmware", "handle-2026"]
    mine = sorted(str(request.url) for request in server.requests)
    server.requests.clear()
    assert [notice.id for notice in prospect(server, stranger).notices] == ["0"]
    assert sorted(str(request.url) for request in server.requests) == mine


@pytest.mark.parametrize(
    ("concerned", "sale", "change"),
    [
        (True, {}, {"batches": None}),
        (False, {}, {}),
        (True, {"batch": "B7"}, {}),
        (False, {"batch": "B7"}, {"products": ["OTHER"]}),
        (True, {"unit": "SN-1"}, {"units": ["SN-1"]}),
        (True, {"batch": "B7"}, {"units": ["SN-1"]}),
        (False, {"batch": "B8", "unit": "SN-2"}, {"units": ["SN-1"]}),
        (True, {"batch": "B7"}, {"products": None}),
    ],
)
def test_whom_a_notice_concerns(
    concerned: Any, sale: dict[str, str], change: dict[str, Any]
) -> None:
    members = {name: value for name, value in {**NOTICE, **change}.items() if value is not None}
    notice = parse_notice(members)
    assert notice.concerns(sold("2026-01-01", **sale)) == concerned


def test_a_forged_recall_is_not_shown(server: ShopServer, wallet: Wallet) -> None:
    def forged(honest: Any) -> Any:
        last = honest["events"][-1]
        time = last["event"]["time"]
        event = {"type": "recall.published", "time": time, "number": 0, "notice": NOTICE}
        honest["events"].append({"index": last["index"] + 1, "event": event})
        return honest

    server.lies["/events"] = forged
    with pytest.raises(VerificationError):
        prospect(server, wallet)
    server.lies.clear()
    assert prospect(server, wallet).notices == ()


def test_a_changed_recall_is_not_shown(server: ShopServer, wallet: Wallet) -> None:
    server.world.verifier.publish_notice(ORIGIN, NOTICE)

    def changed(honest: Any) -> Any:
        honest["events"][-1]["event"]["notice"]["text"] = "Send us your receipt."
        return honest

    server.lies["/events"] = changed
    with pytest.raises(VerificationError):
        prospect(server, wallet)
    server.lies.clear()
    assert prospect(server, wallet).notices[0].text == NOTICE["text"]


def test_a_notice_that_is_left_out_is_missed(server: ShopServer, wallet: Wallet) -> None:
    for number in range(2):
        server.world.verifier.publish_notice(ORIGIN, {**NOTICE, "id": f"{number}"})

    honest = server._events

    def without_the_first(types: list[str]) -> Any:
        with server.world.store.read() as connection:
            shown = events_of(connection, ORIGIN, types)
            shown = [each for each in shown if each[1].get("notice", {}).get("id") != "0"]
            return build_event_evidence(Log(connection, events_origin(ORIGIN)), shown).document()

    server._events = without_the_first  # type: ignore[method-assign]
    with pytest.raises(VerificationError, match="a notice is hidden"):
        prospect(server, wallet)
    server._events = honest  # type: ignore[method-assign]
    assert len(prospect(server, wallet).notices) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "two\nlines"),
        ("text", "\x1b[2J"),
        ("text", "\u202eevil"),
        ("text", "x" * 2001),
        ("text", ""),
        ("title", "x" * 201),
        ("title", "\x07"),
        ("batches", []),
        ("batches", ["B\x00"]),
        ("batches", ["x"] * 257),
        ("units", [" SN"]),
        ("kind", "advert"),
        ("date", "2026-02-30"),
        ("id", "a b"),
        ("extra", 1),
        ("schema", "kvitto-notice/v2"),
    ],
)
def test_what_is_no_notice_is_refused_and_harmless_in_a_log(
    server: ShopServer, wallet: Wallet, field: str, value: Any
) -> None:
    document = {**NOTICE, field: value}
    with pytest.raises(FormatError):
        server.world.verifier.publish_notice(ORIGIN, document)
    write_notice(server, document)  # by a merchant with a service of its own
    assert prospect(server, wallet).notices == ()


def write_notice(server: ShopServer, document: Any) -> None:
    time = "2026-11-21T08:00:00Z"
    event = {"type": "recall.published", "time": time, "number": 0, "notice": document}
    server.world.store.write(lambda t: append_event(t, ORIGIN, event), events_origin(ORIGIN))


def test_a_notice_is_published_once_and_by_its_merchant(server: ShopServer) -> None:
    publish = server.world.verifier.publish_notice
    publish(ORIGIN, NOTICE)
    with pytest.raises(Refused) as twice:
        publish(ORIGIN, {**NOTICE, "text": "Other words."})
    assert twice.value.code == "duplicate-notice"
    with pytest.raises(Refused) as foreign:
        publish(ORIGIN, {**NOTICE, "id": "b", "origin": "ledger.example/other"})
    assert foreign.value.code == "foreign-origin"
    with pytest.raises(FormatError):
        publish(ORIGIN, {**NOTICE, "id": "c", "units": ["é" * 200 + str(n) for n in range(256)]})


def test_a_wallet_that_knew_no_notices_takes_them_up(server: ShopServer, wallet: Wallet) -> None:
    """Wallets of version 0.1 have a digest of what they were shown, and were shown no notices."""
    prospect(server, wallet)
    server.world.verifier.publish_notice(ORIGIN, NOTICE)
    server.world.publish(REFUND)
    assert len(prospect(server, wallet).notices) == 1


# ---- the calendar


def test_the_calendar_of_a_warranty(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, version=2, title="Guarantee; two, years\\more " + "ü" * 60)
    found = prospect(server, wallet)
    assert found.warranty is not None
    text = calendar_of([found], NOW)
    assert text.endswith("END:VCALENDAR\r\n")
    assert text.count("\n") == text.count("\r\n")
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75
    unfolded = text.replace("\r\n ", "")
    assert f"DTSTART;VALUE=DATE:{found.warranty.last_day:%Y%m%d}" in unfolded
    assert "DTSTAMP:20261121T120000Z" in unfolded
    assert f"SUMMARY:Guarantee\\; two\\, years\\\\more {'ü' * 60} ends: order 1001" in unfolded
    assert [f"TRIGGER:-P{days}D" in unfolded for days in ENDS_SOON] == [True] * 3
    later = calendar_of([found], NOW + timedelta(days=1))
    uid = next(line for line in unfolded.split("\r\n") if line.startswith("UID:"))
    assert uid in later.replace("\r\n ", "")
    assert "VEVENT" not in calendar_of([], NOW)
