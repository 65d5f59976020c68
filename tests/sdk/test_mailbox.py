"""The mailbox as a wallet uses it: what it asks for tells nothing, what it is told is checked."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, Refused
from commitments.mailbox import BOX_BYTES, LOOKUP_BOXES
from commitments.wire import encode_base64, parse_json
from ledger.note import Signer
from sdk import UnexpectedAnswer
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN

KEY = b"d" * 32
DELETE_KEY = Signer(ORIGIN, KEY).verifier.public_key
MINE = [bytes([n]) * 32 for n in (9, 3, 5)]
BOX = b"c" * BOX_BYTES


@pytest.fixture
def kept(server: ShopServer) -> ShopServer:
    """With boxes under the first two addresses."""
    for address in MINE[:2]:
        server.shop().deposit(address, DELETE_KEY, address[:1] * BOX_BYTES)
    server.requests.clear()
    return server


def asked(server: ShopServer) -> list[str]:
    (request,) = server.requests
    addresses: list[str] = parse_json(request.content)["addresses"]
    return addresses


def test_boxes_come_back_in_the_order_in_which_they_were_asked_for(kept: ShopServer) -> None:
    found = kept.shop().fetch_boxes(MINE)
    assert found == [MINE[0][:1] * BOX_BYTES, MINE[1][:1] * BOX_BYTES, None]


@pytest.mark.parametrize("count", [0, 1, 3, LOOKUP_BOXES])
def test_each_lookup_names_as_many_and_in_no_order_of_the_wallets(
    kept: ShopServer, count: int
) -> None:
    own = [bytes([255 - n]) * 32 for n in range(count)]
    kept.shop().fetch_boxes(own)
    addresses = asked(kept)
    assert len(addresses) == len(set(addresses)) == LOOKUP_BOXES
    assert addresses == sorted(addresses)
    assert {address.hex() for address in own} <= set(addresses)


def test_what_fills_up_is_never_the_same(kept: ShopServer) -> None:
    kept.shop().fetch_boxes(MINE)
    first = asked(kept)
    kept.requests.clear()
    kept.shop().fetch_boxes(MINE)
    assert set(first) & set(asked(kept)) == {address.hex() for address in MINE}


def test_more_than_one_lookup_is_refused(kept: ShopServer) -> None:
    with pytest.raises(FormatError):
        kept.shop().fetch_boxes([bytes([n]) * 32 for n in range(LOOKUP_BOXES + 1)])
    assert kept.requests == []


@pytest.mark.parametrize("size", [31, 33])
def test_an_address_of_another_size_is_not_sent(kept: ShopServer, size: int) -> None:
    shop, address = kept.shop(), bytes(size)
    with pytest.raises(FormatError):
        shop.fetch_boxes([address])
    with pytest.raises(FormatError):
        shop.deposit(address, DELETE_KEY, BOX)
    with pytest.raises(FormatError):
        shop.delete_box(ORIGIN, address, KEY)
    assert kept.requests == []


@pytest.mark.parametrize("size", [0, BOX_BYTES - 1, BOX_BYTES + 1])
def test_a_box_of_another_size_is_not_sent(kept: ShopServer, size: int) -> None:
    with pytest.raises(FormatError):
        kept.shop().deposit(MINE[2], DELETE_KEY, bytes(size))
    assert kept.requests == []


def test_a_box_is_left_once_and_deleted_once(kept: ShopServer) -> None:
    shop = kept.shop()
    content = MINE[0][:1] * BOX_BYTES
    shop.deposit(MINE[0], DELETE_KEY, content)
    for _ in range(2):
        shop.delete_box(ORIGIN, MINE[0], KEY)
    assert shop.fetch_boxes(MINE[:1]) == [None]
    assert refusal(lambda: shop.deposit(MINE[0], DELETE_KEY, content)) == "already-deleted"
    assert refusal(lambda: shop.deposit(MINE[1], DELETE_KEY, BOX)) == "duplicate-box"
    assert refusal(lambda: shop.delete_box(ORIGIN, MINE[2], KEY)) == "unknown-box"


def refusal(ask: Callable[[], None]) -> str:
    with pytest.raises(Refused) as caught:
        ask()
    return caught.value.code


def test_no_address_is_in_a_path_or_a_header(kept: ShopServer) -> None:
    shop = kept.shop()
    shop.deposit(MINE[2], DELETE_KEY, BOX)
    shop.fetch_boxes(MINE)
    shop.delete_box(ORIGIN, MINE[2], KEY)
    for request in kept.requests:
        told = f"{request.url} {request.headers}"
        assert not any(address.hex()[:8] in told for address in MINE)


def answering(boxes: Any) -> Callable[[Any], Any]:
    return lambda _: {"boxes": boxes}


LIES: dict[str, Callable[[Any], Any]] = {
    "a box too few": lambda answer: {"boxes": answer["boxes"][1:]},
    "a box too many": lambda answer: {"boxes": [*answer["boxes"], None]},
    "no list": answering({}),
    "no boxes": lambda _: {},
    "a member more": lambda answer: {**answer, "more": 1},
    "not an object": lambda answer: answer["boxes"],
    "a small box": answering([encode_base64(BOX[1:])] * LOOKUP_BOXES),
    "a large box": answering([encode_base64(BOX + b"c")] * LOOKUP_BOXES),
    "no base64": answering(["?" * 5464] * LOOKUP_BOXES),
    "a number": answering([7] * LOOKUP_BOXES),
    "without end": answering(["A" * (1 << 18)] * 2),
    "a box where nobody has left one": answering([encode_base64(BOX)] * LOOKUP_BOXES),
    "a web page": lambda _: httpx.Response(200, html="<html>"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_boxes_is_noticed(kept: ShopServer, name: str) -> None:
    kept.lies["/mailbox/lookups"] = LIES[name]
    with pytest.raises(UnexpectedAnswer):
        kept.shop().fetch_boxes(MINE)
    kept.lies.clear()
    assert kept.shop().fetch_boxes(MINE)[2] is None


@pytest.mark.parametrize("answer", [{}, {"status": "ok"}, {"status": "kept", "more": 1}, []])
def test_an_answer_that_does_not_say_what_was_done(kept: ShopServer, answer: Any) -> None:
    kept.lies["/mailbox/"] = lambda _: answer
    with pytest.raises(UnexpectedAnswer):
        kept.shop().deposit(MINE[2], DELETE_KEY, BOX)
    with pytest.raises(UnexpectedAnswer):
        kept.shop().delete_box(ORIGIN, MINE[0], KEY)
