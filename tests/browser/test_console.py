from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.browser import NARROW, WIDE, opened, photograph
from tests.browser.console import MARKUP, ROOMS, Served, go, log_in
from tests.world import WARRANTY

SAFE = ("type", "api_key")


def test_the_key_stays_in_the_tab(browser: Browser, console: Served) -> None:
    with opened(browser, console.address) as page:
        asked: list[tuple[str, str | None]] = []
        page.on("request", lambda sent: asked.append((sent.url, sent.headers.get("authorization"))))
        log_in(page, console.shop.key)
        go(page, "Keys")
        assert page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
        assert all(console.shop.key not in url for url, _ in asked)
        assert {key for url, key in asked if "/v1/" in url} == {f"Bearer {console.shop.key}"}
        page.reload()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        other = page.context.new_page()
        other.goto(console.address)
        expect(other.get_by_label("API key")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("API key")).to_be_focused()
        expect(page.get_by_label("API key")).to_have_value("")
        assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("key", ["a guess", f"kv_acme_{'0' * 64}"])
def test_a_wrong_key_is_told_from_a_right_one(browser: Browser, console: Served, key: str) -> None:
    with opened(browser, console.address) as page:
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("key")
        assert page.evaluate("sessionStorage.length") == 0
        log_in(page, console.shop.key)


def test_a_key_that_is_revoked_logs_out(page: Page, console: Served) -> None:
    (key,) = console.shop.client.send(
        "GET", "/v1/merchants/acme/keys", key=console.shop.key
    ).json()["keys"]
    console.shop.write(f"keys/{key['id']}/revocation", None)
    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_text("The key is not good any more.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_sales_are_counted(page: Page, console: Served) -> None:
    shop = console.shop
    first, *_ = shop.buy(*[shop.sale()] * 4)
    shop.close()
    shop.write("voids", {"index": first.index, "reason": "returned"})
    shop.close()
    shop.buy(shop.sale())
    page.reload()
    expect(page.locator("dl")).to_contain_text("1 returned: 250 of a thousand")
    expect(page.locator("dt", has_text="not yet in a close").locator("+ dd")).to_have_text("1")
    closes = page.get_by_role("table", name="By close").get_by_role("row")
    expect(closes).to_have_count(3)
    expect(closes.nth(2)).to_contain_text("4")


def test_policies_are_shown_in_plain_words(page: Page, console: Served) -> None:
    for version in (1, 2):
        console.shop.write("policies", {**WARRANTY, "version": version})
    go(page, "Policies")
    expect(page.locator("section.card")).to_have_count(2)
    newest, first = page.locator("section.card").all()
    expect(newest).to_contain_text("Bought at most 2 years before the day of the claim.")
    expect(first).to_contain_text("before 2026-11-22")
    expect(first).to_contain_text("superseded by version 2")
    first.get_by_text("In plain words").click()
    expect(first).to_contain_text("Bought at most 2 years before the day of the claim")


def test_text_from_elsewhere_is_never_markup(page: Page, console: Served) -> None:
    console.shop.publish({**WARRANTY, "title": MARKUP})
    console.shop.write("keys", {"label": MARKUP, "scopes": ["sales"]})
    for room in ("Policies", "Keys"):
        go(page, room)
        expect(page.get_by_text(MARKUP).first).to_be_visible()
        assert page.evaluate("document.querySelectorAll('img, main script').length") == 0


def test_a_service_that_lies_can_show_text_only(page: Page, console: Served) -> None:
    first, *_ = console.shop.open_for_claims()
    claim = console.shop.claim(first, "warranty-2y")
    hook = {"url": "http://127.0.0.1:65535/nobody", "types": ["policy.withdrawn"]}
    console.shop.write("webhooks", hook)
    page.route("**/v1/**", lambda route: route.fulfill(json=_hostile(route.fetch().json())))
    for room in ROOMS:
        go(page, room)
        expect(page.locator("main")).to_contain_text(MARKUP)
        assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    page.evaluate(f"location.hash = '#/claims/{claim.claim_id}'")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0


def _hostile(part: Any) -> Any:
    """The document with markup in the place of all text but that which says what it is."""
    if isinstance(part, dict):
        return {name: v if name in SAFE else _hostile(v) for name, v in part.items()}
    if isinstance(part, list):
        return [_hostile(inner) for inner in part]
    return MARKUP if isinstance(part, str) else part


def test_no_script_can_make_markup_of_text(browser: Browser, console: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(console.address)
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<img src=x>'")
    context.close()


def test_it_is_used_by_keyboard(page: Page) -> None:
    link = page.get_by_role("link", name="Policies")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(link).to_have_attribute("aria-current", "")


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_it_fits(browser: Browser, console: Served, width: int, scheme: str) -> None:
    console.shop.open_for_claims()
    with opened(browser, console.address, width, scheme) as page:
        photograph(page, f"console-{width}-{scheme}")
        log_in(page, console.shop.key)
        for room in ROOMS:
            go(page, room)
            photograph(page, f"console-{room.lower()}-{width}-{scheme}")
