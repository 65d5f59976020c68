import re

from playwright.sync_api import Page, expect
from sqlalchemy import update

from api.webhooks.schema import webhook_deliveries
from tests.api.receivers import Receiver
from tests.api.shop import Shop
from tests.browser.browser import photograph
from tests.browser.console import MARKUP, Served, go


def test_what_was_given_up_is_found_and_sent_again(page: Page, console: Served) -> None:
    with Receiver() as receiver:
        body = {"url": receiver.url, "description": MARKUP, "types": None}
        console.shop.write("webhooks", body)
        console.shop.close()
        receiver.wait(1)
        give_up(page, console.shop)
        go(page, "Webhooks")
        expect(page.get_by_text(MARKUP)).to_be_visible()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("status")).to_have_text("The test was answered with 204.")
        page.get_by_role("link", name="Deliveries").click()
        page.get_by_label("State").select_option("given up")
        expect(page.get_by_role("cell").get_by_text("dead", exact=True)).to_be_visible()
        photograph(page, "console-deliveries")
        page.get_by_role("button", name=re.compile(r"Send event \d+ again")).click()
        expect(page.get_by_role("status")).to_contain_text("is sent again.")
        receiver.wait(3)


def give_up(page: Page, shop: Shop) -> None:
    """As three days would do it, once the delivery has been noted."""
    table = webhook_deliveries
    change = update(table).where(table.c.state == "delivered").values(state="dead")
    while shop.store.write(lambda tx: tx.connection.execute(change).rowcount) == 0:
        page.wait_for_timeout(20)
