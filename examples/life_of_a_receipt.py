"""The life of one receipt: bought, kept, lost, restored, claimed with, sold, claimed with again.

    python examples/life_of_a_receipt.py

It starts a service of its own on this computer, with a database that is gone afterwards, and talks
to it over HTTP as any shop and any two buyers would.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from sdk import NotEligible, Shop, Wallet, WalletError
from sdk.links import parse_request_link, request_link

__all__ = ["tell_life"]

PRODUCT = "9521234000013"
VOID_WINDOW = 14  # closes in which a purchase can still be declared void, if nobody says otherwise
WARRANTY = {
    "schema": "kvitto-policy/v1",
    "origin": "ledger.example/acme",
    "version": 1,
    "kind": "warranty",
    "products": [PRODUCT],
    "purchased": {"oldest": "P2Y"},
    "price": {"currency": "EUR", "min": 1000, "max": 50_000},
    "smallest_ring": 16,
    "valid_from": "2026-01-01",
    "valid_to": "9999-12-31",
    "remedies": ["repair"],
    "response_time": "P7D",
}

Say = Callable[[str], None]


class Merchant:
    """The shop's own side: a few calls with its key."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, path: str, document: dict[str, Any]) -> Any:
        """What the service answers."""
        answer = self._client.post(path, json=document)
        if answer.is_error:
            raise RuntimeError(answer.text)
        return answer.json()

    def sell(self, order: str, link: str) -> Any:
        """Record one sale for the request in a buyer's QR code; the receipt."""
        sale = {"date": f"{datetime.now(UTC):%F}", "product": PRODUCT, "price": 24_900}
        document = {"order": order, "sale": {**sale, "currency": "EUR"}}
        request = parse_request_link(link).document()
        return self.post("purchases", {**document, "request": request})

    def days_pass(self) -> None:
        """As many closes as end the time in which a sale can be taken back."""
        for _ in range(VOID_WINDOW + 1):
            self.post("closes", {})


def tell_life(directory: Path, say: Say = print) -> None:
    """Everything, step by step; whatever does not go as told is an exception."""
    with ExitStack() as opened:
        url, operator_key = opened.enter_context(_service(directory))
        merchant = opened.enter_context(_shop(url, operator_key))
        shop = opened.enter_context(Shop(url, "acme"))

        say("1. Alice makes a wallet and writes down its twelve words, before she buys anything.")
        alice = opened.enter_context(Wallet.create(directory / "alice.wallet", "her passphrase"))
        words = alice.words()

        say("2. At the counter she shows a QR code; the shop records the sale for it.")
        link = request_link(alice.request(shop, "1001"))
        receipt = merchant.sell("1001", link)
        alice.accept(shop, receipt)
        say(f"   The code held {len(link)} characters. A copy of the receipt is in the mailbox.")
        _others_buy(merchant, shop)
        merchant.days_pass()

        say("3. She loses the computer with the wallet.")
        alice.close()
        (directory / "alice.wallet").unlink()

        say("4. On a new one, the words bring it back.")
        alice = opened.enter_context(
            Wallet.create(directory / "new.wallet", "another passphrase", words=words)
        )
        restored = alice.restore(shop)
        (purchase,) = restored.purchases
        say(f"   {len(restored.purchases)} purchase came back, found in the shop's log.")

        say("5. The thing breaks. She proves that it is under warranty, and not which one it is.")
        claimed = alice.claim(shop, "warranty-2y", remedy="repair")
        _expect(claimed.decision, "approved")
        say(f"   {claimed.decision}: {claimed.claim_id[:16]}…")

        kept_back = shutil.copy(directory / "new.wallet", directory / "kept-back.wallet")
        say("6. She sells it to Bob, who sees which claims are used before he pays.")
        bob = opened.enter_context(Wallet.create(directory / "bob.wallet", "his passphrase"))
        acceptance = bob.accept_offer(alice.offer(purchase))
        transfer = alice.send_transfer(shop, alice.preview_transfer(shop, acceptance))
        _expect(transfer.status, "awaiting_secret")
        alice.complete_transfer(shop, transfer)
        received = bob.receive(shop, alice.handover(transfer))
        used = received.handed.used if received.handed else ()
        say(f"   Used already: {', '.join(policy for policy, _ in used)}.")
        merchant.post("closes", {})

        say("7. Bob claims under a second policy; the first stays used.")
        claimed = bob.claim(shop, "extended", remedy="repair", purchase=received)
        _expect(claimed.decision, "approved")
        _refused(lambda: bob.claim(shop, "warranty-2y", remedy="repair", purchase=received))

        say("8. Alice, who owns it no more, gets nothing; not even with a copy of her old wallet.")
        _refused(lambda: alice.claim(shop, "goodwill", remedy="repair", purchase=purchase))
        former = opened.enter_context(Wallet.open(kept_back, "another passphrase"))
        claimed = former.claim(shop, "goodwill", remedy="repair")
        _expect(claimed.reason, "ownership_ended")
        say(f"   {claimed.decision}: {claimed.reason}")


@contextmanager
def _shop(url: str, operator_key: str) -> Iterator[Merchant]:
    document = {"id": "acme", "name": "Acme", "period": "manual", "capacity": 64}
    headers = {"Authorization": f"Bearer {operator_key}"}
    answer = httpx.post(f"{url}/v1/merchants", json=document, headers=headers).raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['api_key']}"}
    with httpx.Client(base_url=f"{url}/v1/merchants/acme/", headers=headers, timeout=60) as client:
        merchant = Merchant(client)
        titles = {"warranty-2y": "Two-year guarantee", "extended": "Longer", "goodwill": "Why not"}
        for policy, title in titles.items():
            merchant.post("policies", {**WARRANTY, "id": policy, "title": title})
        yield merchant


def _others_buy(merchant: Merchant, shop: Shop) -> None:
    """Nobody is hidden who is alone."""
    for number in range(40):
        order = f"other-{number}"
        merchant.sell(order, request_link(Wallet.in_memory().request(shop, order)))


def _expect(said: str | None, expected: str) -> None:
    if said != expected:
        raise RuntimeError(f"{said}, where {expected} was expected")


def _refused(claim: Callable[[], object]) -> None:
    try:
        claim()
    except (NotEligible, WalletError):
        return
    raise RuntimeError("the claim was made")


@contextmanager
def _service(directory: Path) -> Iterator[tuple[str, str]]:
    """The address of a service, and the key of its operator."""
    key = secrets.token_hex(32)
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--json"]
    command += ["--name", "ledger.example", "--data", str(directory)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("KVITTO_")}
    env |= {"KVITTO_OPERATOR_KEY": key}
    with (
        (directory / "service.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - this program
            command, stdout=subprocess.PIPE, stderr=log, env=env, cwd=Path(__file__).parents[1]
        ) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout else b"{}"
            yield json.loads(said)["url"], key
        finally:
            process.terminate()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        tell_life(Path(temporary))
