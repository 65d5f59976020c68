import pytest
from playwright.sync_api import Page, expect

from tests.browser.browser import NARROW, photograph
from tests.browser.console import Served, go
from tests.steps import LOOKED_AT, Followed

SEALED = b"evidence"


@pytest.fixture
def claim(page: Page, console: Served) -> Followed:
    """A claim that somebody has to look at, open in the console."""
    shop = console.shop
    bought, *_ = shop.buy(*[shop.sale()] * 3)
    shop.close()
    shop.publish(LOOKED_AT)
    claim = Followed(shop, bought, "looked-at")
    show(page, claim)
    return claim


def show(page: Page, claim: Followed) -> None:
    go(page, "Claims")
    page.get_by_role("link", name=claim.claim_id[:8]).click()
    expect(page.get_by_text(claim.claim_id, exact=True)).to_be_visible()


def act(page: Page, title: str) -> None:
    page.get_by_role("group").filter(has_text=title).get_by_text(title).first.click()


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_have_text(text)


def test_a_claim_is_approved_in_part_started_and_completed(page: Page, claim: Followed) -> None:
    expect(page.get_by_text("under review")).to_be_visible()
    act(page, "Approve")
    page.get_by_label("Resolution").select_option("refund")
    page.get_by_label("Share, percent").fill("60")
    page.get_by_role("button", name="Approve").click()
    says(page, "Approve: done.")
    expect(page.get_by_text("refund, 60 percent", exact=True)).to_be_visible()
    expect(page.get_by_text("The buyer has to accept it first.")).to_be_visible()
    claim.number += 1
    claim.take("buyer", "accept")
    page.reload()
    for title in ("Start", "Complete"):
        act(page, title)
        page.get_by_role("button", name=title).click()
        says(page, f"{title}: done.")
    expect(page.get_by_text("completed", exact=True)).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(5)


@pytest.mark.usefixtures("claim")
def test_a_claim_is_declined_for_a_reason(page: Page) -> None:
    act(page, "Decline")
    page.get_by_label("Reason, which becomes public").select_option("caused by use")
    page.get_by_role("button", name="Decline").click()
    says(page, "Decline: done.")
    expect(page.get_by_text("You declined it: caused by use")).to_be_visible()
    expect(page.get_by_role("heading", name="What you can do")).to_have_count(0)


def test_information_is_asked_for_and_comes(page: Page, claim: Followed) -> None:
    act(page, "Ask for information")
    page.get_by_label("a photo").check()
    page.get_by_label("a diagnosis").check()
    page.get_by_role("button", name="Ask for information").click()
    says(page, "Ask for information: done.")
    expect(page.get_by_text("needs information")).to_be_visible()
    claim.number += 1
    claim.take("buyer", "answer", claim.seal(SEALED))
    page.reload()
    expect(page.get_by_text("The buyer answered")).to_be_visible()
    sealed = len(claim.seal(SEALED))
    expect(page.locator(".attachment")).to_have_text(f"Attachment, {sealed} bytes")
    expect(page.get_by_text(f"kvitto merchant claim evidence {claim.claim_id}")).to_be_visible()
    page.set_viewport_size({"width": NARROW, "height": 900})
    photograph(page, "console-claim-narrow")


def test_what_is_overdue_stands_out(page: Page, console: Served, claim: Followed) -> None:
    expect(page.get_by_text("overdue", exact=True)).to_have_count(0)
    console.shop.clock.advance(days=60)
    go(page, "Claims")
    page.get_by_label("Deadline").select_option(value="true")
    row = page.get_by_role("row").filter(has_text=claim.claim_id[:8])
    expect(row.get_by_text("overdue")).to_be_visible()
    page.get_by_label("State").select_option(value="completed")
    expect(page.get_by_text("There are no such claims.")).to_be_visible()


def test_of_two_who_decide_one_is_told(page: Page, claim: Followed) -> None:
    act(page, "Approve")
    claim.take("merchant", "decline")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("another step has been taken")


def test_a_key_for_sales_decides_nothing(page: Page, claim: Followed, console: Served) -> None:
    key = console.shop.write("keys", {"label": "till", "scopes": ["sales"]}).json()["api_key"]
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    show(page, claim)
    act(page, "Decline")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("scopes do not allow")
