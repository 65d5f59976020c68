"""The Chromium of the system, and pages in it that may load nothing but the service's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

__all__ = ["NARROW", "SCREENSHOTS", "WIDE", "chromium", "opened", "photograph"]

SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
WIDE, NARROW = 1280, 360
_HEIGHT = 900
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_PATIENCE = 10_000  # milliseconds
# What a browser notes of an answer that is a problem; the page itself has to say it.
_NOTED = "Failed to load resource"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's; Playwright would bring one of its own, which no package registry has."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("NO CHROMIUM HERE (apt-get install chromium): nothing was seen in a browser")
    with sync_playwright() as playwright:
        expect.set_options(timeout=_PATIENCE)
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, width: int = WIDE, scheme: str = "light"
) -> Iterator[Page]:
    """A page at an address: all that it loads is from there, and it complains of nothing."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_NOTED):
            complaints.append(message.text)

    context = browser.new_context(
        viewport=ViewportSize(width=width, height=_HEIGHT),
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    origin = "/".join(address.split("/")[:3])
    page.on("console", note)
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith(origin) else complaints.append(sent.url)
    )
    try:
        page.goto(address)
        yield page
    finally:
        context.close()
    assert complaints == []


def photograph(page: Page, name: str) -> None:
    """Keep how it looks, for people; and nothing stands out at the side."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=not name.startswith("reference"))
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("innerWidth"), name
