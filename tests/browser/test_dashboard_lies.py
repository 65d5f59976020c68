"""Servers that lie: the page turns red, and what it has seen can be kept."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from ledger.events import encode_event, events_origin, parse_event
from ledger.fork import Fork, verify_fork
from tests.browser.browser import NARROW, opened, photograph
from tests.browser.dashboard import BUILT, Busy, busy_shop, serve_instead, show
from tests.databases import Sqlite
from tests.world import ORIGIN

pytestmark = BUILT

Spoil = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def busy(sqlite: Sqlite) -> Iterator[Busy]:
    with busy_shop(sqlite, weeks=1) as busy:
        yield busy


@pytest.fixture
def page(browser: Browser, busy: Busy) -> Iterator[Page]:
    """A browser that knows nothing of the shop yet, and has not opened the dashboard."""
    with opened(browser, busy.address.replace("dashboard", "assets/icon.svg")) as page:
        yield page


def evidence(page: Page, kind: str) -> dict[str, Any]:
    """What is offered for download; the page is as red as it can be."""
    expect(page.get_by_role("alert")).to_contain_text("Something here is false")
    expect(page).to_have_title(re.compile("^FALSE: "))
    assert "alarm" in str(page.locator("link[rel=icon]").get_attribute("href"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the evidence").click()
    document: dict[str, Any] = json.loads(download.value.path().read_text())
    assert document["kind"] == kind
    return document


def spoil(page: Page, pattern: str, how: Spoil) -> None:
    """Answer what matches with something else than the service does."""

    def answer(route: Route) -> None:
        true = route.fetch()
        route.fulfill(response=true, body=how(true.body()))

    page.route(pattern, answer)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def signature_flipped(note: bytes) -> bytes:
    return note[:-10] + bytes([note[-10] ^ 1]) + note[-9:]


def told_otherwise(busy: Busy, kind: str, **changes: Any) -> list[bytes]:
    """The event log with the first event of a type changed."""
    entries = busy.events()
    index = next(i for i, each in enumerate(entries) if parse_event(each)["type"] == kind)
    entries[index] = encode_event({**parse_event(entries[index]), **changes})
    return entries


def test_a_forged_checkpoint(page: Page, busy: Busy) -> None:
    spoil(page, "**/logs/acme/events/checkpoint", signature_flipped)
    page.goto(busy.page("/log"))
    evidence(page, "forged-checkpoint")
    photograph(page, "dashboard-false-en-1280-light")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("alert")).to_contain_text("这里有不实内容")
    page.set_viewport_size({"width": NARROW, "height": 900})
    photograph(page, "dashboard-false-zh-CN-360-light")


def test_a_history_that_was_rewritten_since_the_last_visit(page: Page, busy: Busy) -> None:
    show(page, busy, "")
    serve_instead(page, busy, told_otherwise(busy, "purchase.voided", reason="duplicate"))
    page.reload()
    document = evidence(page, "fork")
    fork = Fork.parse(b64decode(document["fork"]))
    keys = [signer.verifier for signer in busy.shop.signers(events_origin(ORIGIN))]
    small, large = verify_fork(fork, keys)
    assert small.size == large.size


def test_a_log_that_is_shorter_than_at_the_last_visit(page: Page, busy: Busy) -> None:
    show(page, busy, "")
    expect(page.locator(".strip")).to_contain_text("for the first time")
    page.reload()
    expect(page.locator(".strip")).to_contain_text("all that this browser saw")
    serve_instead(page, busy, busy.events()[:-2])
    page.reload()
    assert len(evidence(page, "shrunk")["notes"]) == 2


def test_a_false_tile(page: Page, busy: Busy) -> None:
    spoil(page, "**/logs/acme/purchases/tile/0/**", flipped)
    page.goto(busy.page("/claims"))
    evidence(page, "false-tile")


def test_a_false_entry(page: Page, busy: Busy) -> None:
    spoil(page, "**/logs/acme/purchases/tile/entries/**", flipped)
    show(page, busy, "/entry/purchases/0")
    evidence(page, "false-entry")


def test_figures_that_are_not_those_of_the_log(page: Page, busy: Busy) -> None:
    def better(body: bytes) -> bytes:
        overview = json.loads(body)
        overview["voids"] = []
        return json.dumps(overview).encode()

    spoil(page, "**/v1/merchants/acme/overview", better)
    show(page, busy, "")
    evidence(page, "overview-differs")


def test_a_step_that_is_not_in_the_log(page: Page, busy: Busy) -> None:
    def earlier(body: bytes) -> bytes:
        case = json.loads(body)
        case["steps"][0]["event"]["time"] = case["opened"]
        return json.dumps(case).encode()

    spoil(page, "**/case", earlier)
    show(page, busy, f"/claims/{busy.claims[0].claim_id}")
    document = evidence(page, "answer-differs")
    assert b64decode(document["entries"][0]["data"]) in busy.events()


def test_figures_that_are_other_ones_for_the_recount(page: Page, busy: Busy) -> None:
    asked: list[bytes] = []

    def better_at_first(body: bytes) -> bytes:
        asked.append(body)
        return json.dumps({**json.loads(body), "voids": []}).encode() if len(asked) == 1 else body

    spoil(page, "**/v1/merchants/acme/overview", better_at_first)
    show(page, busy, "")
    figure = page.locator(".figure", has_text="Taken back")
    expect(figure.locator(".source.checked")).to_be_visible()
    expect(figure.locator(".figure-value")).to_have_text("1")


def test_figures_that_leave_out_what_happened_last(page: Page, busy: Busy) -> None:
    before = parse_event(busy.events()[-2])["time"]

    def shorter(body: bytes) -> bytes:
        overview = json.loads(body)
        return json.dumps({**overview, "events": overview["events"] - 1, "at": before}).encode()

    spoil(page, "**/v1/merchants/acme/overview", shorter)
    show(page, busy, "")
    expect(page.get_by_text("not those of all events in the log")).to_be_visible()
    expect(page.locator(".figure .source.checked")).to_have_count(0)


def test_a_claim_for_which_another_one_is_shown(page: Page, busy: Busy) -> None:
    wanted = busy.claims[0].claim_id
    decided = (e for e in map(parse_event, busy.events()) if e["type"] == "claim.decided")
    other = next(e["claim_id"] for e in decided if e["claim_id"] != wanted)

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(wanted, other)))

    page.route("**/case", answer)
    show(page, busy, f"/claims/{wanted}")
    document = evidence(page, "answer-differs")
    assert parse_event(b64decode(document["entries"][0]["data"]))["claim_id"] == other


def test_a_claim_that_was_approved_without_a_proof(page: Page, busy: Busy) -> None:
    entries = busy.events()
    claim_id = busy.claims[0].claim_id
    decided = next(e for e in map(parse_event, entries) if e.get("claim_id") == claim_id)
    exchanged = {**decided, "tags": decided["tags"][::-1]}
    entries[entries.index(encode_event(decided))] = encode_event(exchanged)

    def the_same(body: bytes) -> bytes:
        case = json.loads(body)
        case["decision"]["event"] = exchanged
        return json.dumps(case).encode()

    serve_instead(page, busy, entries)
    spoil(page, "**/case", the_same)
    show(page, busy, f"/claims/{claim_id}")
    page.get_by_role("button", name="Verify this proof here").click()
    evidence(page, "false-claim")
