"""Cases over HTTP: what may be sent, by whom, and how much."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from aftersales.steps import BUYER, MERCHANT
from api import bodies
from api.bodies import _StepReader
from api.problems import TooSlow
from commitments.errors import Overloaded
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import event_time
from ledger.note import parse_vkey
from policies.attachments import attachment_digest
from tests.api.shop import Shop
from tests.steps import LOOKED_AT, PLAIN, Followed

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def claim(shop: Shop) -> Followed:
    bought = shop.buy(*[shop.sale()] * 3)
    shop.close()
    shop.publish(LOOKED_AT)
    shop.publish(PLAIN)
    shop.bought = bought  # type: ignore[attr-defined]
    return Followed(shop, bought[0], "looked-at")


def send(shop: Shop, claim: Followed, body: Any, key: str | None = None) -> httpx.Response:
    return shop.post(f"claims/{claim.claim_id}/steps", body, key)


def code(answer: httpx.Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


def test_a_case_from_its_first_to_its_last_step(shop: Shop, claim: Followed) -> None:
    path = f"claims/{claim.claim_id}"
    asked = send(shop, claim, claim.body(MERCHANT, "ask"), shop.key)
    assert (asked.status_code, asked.json()["state"]) == (201, "needs_information")
    claim.number = 1
    photo = claim.seal(b"a photo")
    answer = claim.body(BUYER, "answer", photo)
    answered = send(shop, claim, answer)
    assert (answered.status_code, answered.json()["state"]) == (201, "under_review")
    again = send(shop, claim, answer)
    assert (again.status_code, again.json()) == (200, answered.json())
    fetched = shop.get(f"{path}/attachments/{attachment_digest(photo)}", key=shop.key)
    assert (fetched.content, fetched.headers["cache-control"]) == (photo, "no-store")
    claim.number = 2
    assert send(shop, claim, claim.body(MERCHANT, "approve"), shop.key).status_code == 201
    claim.number = 3
    assert send(shop, claim, claim.body(BUYER, "redeem")).json()["redeemed"]["shop"]
    claim.number = 4
    done = send(shop, claim, claim.body(MERCHANT, "complete"), shop.key).json()
    assert (done["state"], done["due"], done["number"]) == ("completed", None, 5)
    read = shop.get(f"{path}/case").json()
    key = parse_vkey(shop.get("").json()["events_vkey"])
    for shown in (read["decision"], *read["steps"]):
        index = shown.pop("index")
        receipt = EventReceipt.parse(shown)
        verify_event_receipt(receipt, key)
        assert receipt.proof.index == index


@ON_SQLITE
def test_only_the_merchant_takes_the_merchants_steps(shop: Shop, claim: Followed) -> None:
    other = shop.enter("other")["api_key"]
    narrow = shop.write("keys", {"label": "till", "scopes": ["sales"]}).json()["api_key"]
    before = shop.state()
    body = claim.body(MERCHANT, "approve")
    for key, expected in (
        (None, "unauthorised"),
        ("kv_acme_" + "0" * 64, "unauthorised"),
        (other, "foreign-merchant"),
        (narrow, "foreign-scope"),
    ):
        assert code(send(shop, claim, body, key)) == expected
    forged = {**body, "step": {**body["step"], "by": "buyer", "signature": "00" * 64}}
    assert code(send(shop, claim, forged)) == "malformed"  # no such step of the buyer's
    withdrawal = claim.body(BUYER, "withdraw")
    forged = {**withdrawal, "step": {**withdrawal["step"], "signature": "00" * 64}}
    assert code(send(shop, claim, forged, shop.key)) == "not-verified"  # a key signs nothing
    foreign = shop.post(f"/v1/merchants/other/claims/{claim.claim_id}/steps", withdrawal)
    assert code(foreign) == "unknown-claim"
    assert shop.state() == before
    claims = shop.write("keys", {"label": "desk", "scopes": ["claims"]}).json()["api_key"]
    assert send(shop, claim, body, claims).status_code == 201


@ON_SQLITE
def test_who_reads_and_erases_attachments(shop: Shop, claim: Followed) -> None:
    path = f"claims/{claim.claim_id}"
    photo = claim.seal(b"photo")
    assert send(shop, claim, claim.body(BUYER, "note", photo)).status_code == 201
    claim.number = 1
    letter = claim.seal(b"letter")
    assert send(shop, claim, claim.body(MERCHANT, "note", letter), shop.key).status_code == 201
    other = shop.enter("other")["api_key"]
    of_photo = f"{path}/attachments/{attachment_digest(photo)}"
    for key, expected in ((None, "unauthorised"), (other, "foreign-merchant")):
        assert code(shop.get(of_photo, key=key)) == expected
        assert code(shop.delete(f"{path}/attachments", key)) == expected
    now = event_time(shop.clock())
    forged = {"time": now, "signature": claim.ask_for_erasure(now)}
    assert code(shop.post(f"{path}/inbox", forged)) == "not-verified"
    inbox = shop.post(f"{path}/inbox", {"time": now, "signature": claim.ask_for_inbox(now)})
    (message,) = inbox.json()["attachments"]
    assert (message["number"], message["digest"]) == (1, attachment_digest(letter))
    assert inbox.headers["cache-control"] == "no-store"
    assert shop.delete(f"{path}/attachments", shop.key).json() == {"status": "erased"}
    erased = shop.get(of_photo, key=shop.key)
    assert (erased.status_code, code(erased)) == (410, "erased")
    unknown = shop.get(f"{path}/attachments/{'00' * 32}", key=shop.key)
    assert (unknown.status_code, code(unknown)) == (404, "unknown-attachment")
    nobodys = shop.delete(f"claims/{'00' * 32}/attachments", shop.key)
    assert (nobodys.status_code, code(nobodys)) == (404, "unknown-claim")
    again = shop.post(f"{path}/erasure", {"time": now, "signature": claim.ask_for_erasure(now)})
    assert again.json() == {"status": "erased"}


BODIES: list[tuple[str, Any]] = [
    ("body", []),
    ("attachments", {"step": {}}),
    ("step", {"step": [], "attachments": []}),
    ("step.step", {"step": {}, "attachments": []}),
    ("attachments", {"step": {}, "attachments": "no list"}),
    ("attachments", {"step": {}, "attachments": [7]}),
    ("attachments[0]", {"step": {}, "attachments": ["no base64"]}),
    ("attachments[1]", {"step": {}, "attachments": ["", "AA=A"]}),
    ("more", {"step": {}, "attachments": [], "more": 1}),
]


@ON_SQLITE
def test_what_is_no_step_is_refused_by_name(shop: Shop, claim: Followed) -> None:
    before = shop.state()
    for field, body in BODIES:
        answer = send(shop, claim, body, shop.key)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    good = claim.body(MERCHANT, "approve")
    changes: list[tuple[str, dict[str, Any]]] = [
        ("step.time", {"time": "2026-11-21T12:00:00Z"}),
        ("step.claim_id", {"claim_id": "00" * 32}),
        ("step.number", {"number": True}),
        ("step.share", {"share": 0}),
        ("step.share", {"share": 50}),  # of a repair
        ("step.resolution", {"resolution": "store_credit"}),
        ("step.extra", {"extra": 1}),
    ]
    for field, change in changes:
        answer = send(shop, claim, {**good, "step": {**good["step"], **change}}, shop.key)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert shop.state() == before
    assert send(shop, claim, good, shop.key).status_code == 201


@ON_SQLITE
def test_a_body_is_read_no_further_than_it_may_go(shop: Shop, claim: Followed) -> None:
    path = f"/v1/merchants/acme/claims/{claim.claim_id}/steps"
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b'"' * (1 << 20)

    answer = shop.client.send("POST", path, content=endless())
    assert (answer.status_code, code(answer)) == (413, "too-large")
    assert sent <= bodies._STEP_BYTES + (2 << 20)


@ON_SQLITE
def test_the_largest_step_fits(shop: Shop, claim: Followed) -> None:
    largest = (1 << 21) - 48
    photos = [claim.seal(bytes([n]) * largest) for n in range(4)]
    assert send(shop, claim, claim.body(BUYER, "note", *photos)).status_code == 201
    claim.number = 1
    one_more = claim.body(BUYER, "note", *photos[:3], claim.seal(b"x" * largest), claim.seal(b"y"))
    refused = send(shop, claim, one_more)
    assert (refused.status_code, refused.json()["field"]) == (400, "attachments")


class _Upload:
    """A request whose body comes as far as it is let."""

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, size: int) -> None:
        self._size = size
        self.go_on = asyncio.Event()

    async def stream(self) -> AsyncIterator[bytes]:
        yield b"x" * self._size
        await self.go_on.wait()


def test_few_large_bodies_are_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def upload(read: _StepReader, size: int) -> tuple[_Upload, Any, "asyncio.Task[bytes]"]:
        request = _Upload(size)
        body = read(request)  # type: ignore[arg-type]
        task = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return request, body, task

    async def run() -> None:
        read = _StepReader()
        waiting = [await upload(read, 1 << 17) for _ in range(bodies._MOST_LARGE)]
        with pytest.raises(Overloaded):
            await (await upload(read, 1 << 17))[2]
        small = await upload(read, 100)  # who sends little is not held up
        small[0].go_on.set()
        assert len(await small[2]) == 100
        request, body, task = waiting[0]
        request.go_on.set()
        await task
        with pytest.raises(Overloaded):  # it is being answered: still in memory
            await (await upload(read, 1 << 17))[2]
        await body.aclose()
        next_one = await upload(read, 1 << 17)
        next_one[0].go_on.set()
        assert len(await next_one[2]) == 1 << 17
        monkeypatch.setattr(bodies, "_STEP_SECONDS", 0.01)
        with pytest.raises(TooSlow):
            await (await upload(read, 100))[2]
        for _, _, task in waiting[1:]:
            task.cancel()

    asyncio.run(run())


def test_overdue_claims_are_listed_for_everybody(shop: Shop, claim: Followed) -> None:
    bought = shop.bought  # type: ignore[attr-defined]
    second = Followed(shop, bought[1], "warranty-2y")
    third = Followed(shop, bought[2], "warranty-2y")
    assert send(shop, third, third.body(BUYER, "withdraw")).status_code == 201

    def listed(**query: Any) -> list[str]:
        page = shop.get("claims", query).json()
        return [each["claim_id"] for each in page["claims"]]

    everybody = [each.claim_id for each in (claim, second, third)]
    assert listed() == everybody
    assert listed(overdue="true") == []
    assert listed(state="under_review") == [claim.claim_id]
    assert shop.get("claims/summary").json()["overdue"] == 0
    shop.clock.advance(days=7, seconds=1)
    assert listed(overdue="true") == everybody[:2]
    assert listed(overdue="false") == everybody[2:]
    assert listed(overdue="true", state="approved") == [second.claim_id]
    first = shop.get("claims", {"overdue": "true", "limit": 1}).json()
    assert first["claims"][0]["case"]["overdue"]
    assert listed(overdue="true", limit=1, cursor=first["next"]) == [second.claim_id]
    summary = shop.get("claims/summary").json()
    assert (summary["overdue"], sum(summary["states"].values())) == (2, 3)
    assert (summary["states"]["canceled"], summary["states"]["disputed"]) == (1, 0)
    assert send(shop, claim, claim.body(MERCHANT, "decline"), shop.key).status_code == 201
    assert listed(overdue="true") == [second.claim_id]
    for query in ({"overdue": "yes"}, {"state": "lost"}, {"overdue": ""}):
        assert shop.get("claims", query).status_code == 400


@ON_SQLITE
def test_nothing_private_is_logged(
    shop: Shop, claim: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kvitto")
    body = claim.body(BUYER, "note", claim.seal(b"photo"))
    send(shop, claim, body)
    send(shop, claim, {**body, "step": {**body["step"], "signature": "00" * 64}})
    said = caplog.text
    for private in (claim.claim_id, *body["attachments"], body["step"]["signature"]):
        assert private not in said
