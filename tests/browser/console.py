"""The console in a browser, before a shop that the test holds in its hands."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.api.shop import Shop

__all__ = ["MARKUP", "ROOMS", "Served", "go", "log_in"]

ROOMS = ("Sales", "Claims", "Policies", "Webhooks", "Keys")
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@dataclass(frozen=True)
class Served:
    """A shop, and the address of its console."""

    shop: Shop
    address: str


def log_in(page: Page, key: str) -> None:
    """With the key typed and the enter key pressed."""
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def go(page: Page, room: str) -> None:
    """Follow the link to a room, and wait for it."""
    page.get_by_role("link", name=room, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(room)
