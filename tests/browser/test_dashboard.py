import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from ledger.cosignature import Ed25519Cosigner
from tests.aftersales.cases import BUYER_KEYS
from tests.browser.browser import NARROW, WIDE, opened, photograph
from tests.browser.dashboard import BUILT, Busy, busy_shop, serve_instead, show
from tests.databases import Sqlite
from tests.serving import ROOT

pytestmark = BUILT

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
PAGES = {
    "overview": "",
    "log": "/log",
    "claims": "/claims",
    "claim": "/claims/{claim}",
    "policies": "/policies",
    "policy": "/policies/warranty-2y",
    "findings": "/findings",
    "reports": "/reports",
    "report": "/reports/2026-09",
    "entry": "/entry/events/5",
    "search": "/search/warranty-2y",
}
# Words of charts that stand out of their cards.
STANDING_OUT = """
[...document.querySelectorAll(".picture text")].filter((word) => {
  const [place, card] = [word, word.closest("section")].map((e) => e.getBoundingClientRect());
  return place.left < card.left || place.right > card.right;
}).map((word) => word.textContent)
"""


@pytest.fixture(scope="module")
def busy(sqlite: Sqlite) -> Iterator[Busy]:
    with busy_shop(sqlite) as busy:
        yield busy


@pytest.fixture(scope="module")
def dashboard(browser: Browser, busy: Busy) -> Iterator[Page]:
    """One visit to all pages."""
    if not AXE.exists():
        pytest.skip("axe-core IS NOT INSTALLED: make dashboard")
    with opened(browser, busy.address) as page:
        page.evaluate(AXE.read_text())
        yield page


@pytest.fixture
def page(browser: Browser, busy: Busy) -> Iterator[Page]:
    """A visit of its own."""
    with opened(browser, busy.address) as page:
        yield page


def look_at(page: Page, name: str) -> None:
    """How it looks in both languages, wide and narrow, light and dark; and who could not use it."""
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious] == []
    for language in ("en", "zh-CN"):
        assert page.locator("html").get_attribute("lang") == language
        photograph(page, f"dashboard-{name}-{language}-{WIDE}-light")
        page.set_viewport_size({"width": NARROW, "height": 900})
        page.emulate_media(color_scheme="dark")
        photograph(page, f"dashboard-{name}-{language}-{NARROW}-dark")
        assert page.evaluate(STANDING_OUT) == []
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.emulate_media(color_scheme="light")
        page.locator("button.language").click()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_can_be_used_and_looks_right(dashboard: Page, busy: Busy, name: str) -> None:
    show(dashboard, busy, PAGES[name].format(claim=busy.claims[0].claim_id))
    expect(dashboard.get_by_text("Loading …")).to_have_count(0)
    expect(dashboard.locator(".picture:empty")).to_have_count(0)
    look_at(dashboard, name)


def test_pages_of_no_merchant(dashboard: Page, busy: Busy) -> None:
    for name, fragment in (("merchants", "#/"), ("learn", "#/learn")):
        dashboard.goto(busy.address + fragment)
        expect(dashboard.get_by_role("heading", level=1)).to_be_visible()
        look_at(dashboard, name)
    for fragment in ("#/nobody", "#/acme/nothing", "#/acme/entry/events/1e3"):
        dashboard.goto(busy.address + fragment)
        expect(dashboard.get_by_role("heading", level=1)).to_contain_text("no")


def test_the_page_recounts_and_then_says_so(page: Page, busy: Busy) -> None:
    show(page, busy, "")
    figure = page.locator(".figure", has_text="Claims")
    expect(figure).to_contain_text("12")
    expect(figure.locator(".source.checked")).to_be_visible()
    expect(page.get_by_text(f"{len(busy.events())} events recounted here")).to_be_visible()
    expect(page.locator(".figure", has_text="Findings").locator(".said")).to_be_visible()


def test_a_proof_is_verified_for_who_comes_by_its_link(browser: Browser, busy: Busy) -> None:
    with opened(browser, busy.page(f"/claims/{busy.claims[3].claim_id}")) as page:
        expect(page.get_by_text("The proof holds.")).to_be_visible()
        expect(page.get_by_text("Every step below is in the log")).to_be_visible()
        page.get_by_role("link", name="Merchant: approved it").click()
        expect(page.get_by_text("This entry is in the log.")).to_be_visible()
        page.get_by_role("link", name="Open the claim").click()
        expect(page.get_by_role("button", name="Verify this proof here")).to_be_enabled()


def test_charts_are_files_and_tables_too(page: Page, busy: Busy) -> None:
    show(page, busy, "/claims")
    title = "Claims by present state"
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download “{title}” as CSV").click()
    assert download.value.suggested_filename == "acme-states.csv"
    columns, *rows = csv.reader(download.value.path().read_text().splitlines())
    assert columns == ["state", "count"]
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download “{title}” as JSON").click()
    counts = {row["state"]: row["count"] for row in json.loads(download.value.path().read_text())}
    assert counts == {state: int(count) for state, count in rows}
    assert sum(counts.values()) == 12
    chart = page.locator("section.chart", has_text=title)
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("row")).to_have_count(1 + len(rows))


def test_what_happens_appears_by_itself(page: Page, busy: Busy) -> None:
    shop = busy.shop
    show(page, busy, "")
    expect(page.locator(".live.on")).to_be_visible()
    size = len(busy.events())
    bought, *_ = shop.buy(*[shop.sale(date=shop.clock.now.date())] * 3)
    shop.close()
    shop.claim(bought, "looked-at", buyer=BUYER_KEYS)
    expect(page.locator(".figure", has_text="Claims")).to_contain_text("13")
    expect(page.locator(".strip")).to_contain_text(f"{size + 2} events")
    expect(page.locator(".figure .source.checked")).to_have_count(5)
    for failing in ("**/logs/acme/events/checkpoint", "**/v1/merchants/acme/overview"):
        page.route(failing, lambda route: route.abort())
    shop.close()
    expect(page.locator(".strip.warn")).to_contain_text("could not be read again")
    expect(page.locator(".figure", has_text="Claims")).to_contain_text("13")


def test_it_is_used_with_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Acme")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("searchbox").focus()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Results for “7”")
    expect(page.locator("main").get_by_role("link")).not_to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This entry is in the log.")).to_be_visible()
    assert "entry/" in page.url


def test_somebody_who_has_never_heard_of_it_seals_a_price(page: Page, busy: Busy) -> None:
    page.goto(f"{busy.address}#/learn")
    page.get_by_label("Price, in cents").fill("1999")
    page.get_by_role("button", name="Seal it").click()
    first = page.locator(".sealed").text_content()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("It fits")).to_be_visible()
    page.get_by_label("The price you say it was").fill("2999")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("It does not fit.")).to_be_visible()
    page.get_by_role("button", name="Seal it").click()
    expect(page.locator(".sealed")).not_to_have_text(str(first))
    page.get_by_role("button", name="Show me one at random").click()
    expect(page.get_by_text("This entry is in the log.")).to_be_visible()


def test_policies_are_held_against_the_log(page: Page, busy: Busy) -> None:
    show(page, busy, "/policies/warranty-2y")
    expect(page.locator(".card .source.checked")).to_have_count(4)  # history, versions, claims
    expect(page.get_by_role("link", name="Superseded by version 2")).to_be_visible()


def test_what_a_browser_kept_can_be_broken(page: Page, busy: Busy) -> None:
    page.evaluate("localStorage.setItem('kvitto/seen/ledger.example/acme', '{\"size\":')")
    page.evaluate("localStorage.setItem('kvitto/language', 'Klingon')")
    page.reload()
    show(page, busy, "")
    expect(page.locator(".strip")).to_contain_text("entries")


def test_a_report_is_held_against_the_log(page: Page, busy: Busy) -> None:
    show(page, busy, "/reports")
    page.get_by_role("link", name="September 2026").click()
    expect(page.get_by_text("It is what the service computes from the log now.")).to_be_visible()
    expect(page.get_by_text("The published report is in the log, as it is shown.")).to_be_visible()
    expect(page.get_by_text("left out").first).to_be_visible()


def test_all_entries_are_hashed_for_who_wants_it(page: Page, busy: Busy) -> None:
    show(page, busy, "/log")
    for button in page.get_by_role("button", name="Download and hash all entries").all():
        button.click()
    expect(page.get_by_text(f"{len(busy.events())} entries hashed")).to_be_visible()
    expect(page.get_by_text("entries hashed: they make the root.")).to_have_count(2)


def test_a_service_that_still_reads_is_asked_again(page: Page, busy: Busy) -> None:
    refused = [{"detail": "12 of 40 entries are read"}]

    def answer(route: Route) -> None:
        if refused:
            route.fulfill(status=503, json=refused.pop(), headers={"Retry-After": "1"})
        else:
            route.continue_()

    page.route("**/v1/merchants/acme/overview", answer)
    show(page, busy, "")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "12")
    expect(page.locator(".figure-value").first).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()


def test_each_witness_has_an_age(page: Page, busy: Busy) -> None:
    witness = Ed25519Cosigner("witness.example", b"w" * 32)
    silent = Ed25519Cosigner("silent.example", b"s" * 32)
    listed = [{"name": w.verifier.name, "vkey": w.verifier.vkey} for w in (witness, silent)]
    directory = page.request.get(f"{busy.address[: -len('/dashboard')]}/v1/directory").json()
    directory["merchants"][0]["witnesses"] = listed
    page.route("**/v1/directory*", lambda route: route.fulfill(json=directory))
    page.clock.set_fixed_time(datetime(2026, 11, 25, 12, tzinfo=UTC))
    serve_instead(page, busy, busy.events(), [witness])
    page.goto("about:blank")
    show(page, busy, "/log")
    rows = page.get_by_role("table", name="Last cosignature").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("late")
    expect(rows.nth(2)).to_contain_text("none on this checkpoint")
