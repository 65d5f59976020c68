"""The receipt mailbox: what wallets leave there, who can take it away, and what nobody learns."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from commitments.mailbox import BOX_BYTES, LOOKUP_BOXES
from commitments.wire import parse_base64
from issuer import mailbox
from ledger.engines import forget_history
from tests.api.boxes import deletion, deposit, lookup
from tests.api.shop import SALE, Shop
from tests.databases import files_of

MINE, OTHER = (bytes(range(n, n + 32)) for n in (0, 100))


def leave(shop: Shop, address: bytes, content: bytes = b"c") -> httpx.Response:
    return shop.post("mailbox/deposits", deposit(address, content))


def look(shop: Shop, *addresses: bytes) -> list[bytes | None]:
    """The contents of the boxes, one byte of each."""
    boxes = shop.post("mailbox/lookups", lookup(*addresses)).json()["boxes"]
    assert boxes[len(addresses) :] == [None] * (LOOKUP_BOXES - len(addresses))
    contents = [box and parse_base64(box, "") for box in boxes[: len(addresses)]]
    assert all(content is None or content == content[:1] * BOX_BYTES for content in contents)
    return [content and content[:1] for content in contents]


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_what_was_left_is_found_and_what_was_deleted_is_not(shop: Shop) -> None:
    assert look(shop, MINE, OTHER) == [None, None]
    assert leave(shop, MINE).status_code == 201
    assert leave(shop, OTHER, b"d").status_code == 201
    assert look(shop, OTHER, MINE) == [b"d", b"c"]
    assert shop.post("mailbox/deletions", deletion(MINE)).status_code == 200
    assert look(shop, OTHER, MINE) == [b"d", None]


def test_a_box_sent_again_is_kept_once(shop: Shop) -> None:
    first = leave(shop, MINE)
    before = shop.state()
    again = leave(shop, MINE)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert shop.state() == before


def test_a_box_is_not_replaced(shop: Shop) -> None:
    leave(shop, MINE)
    assert problem(leave(shop, MINE, b"x")) == (409, "duplicate-box")
    of_a_thief = deposit(MINE, delete_key="00" * 32)
    assert problem(shop.post("mailbox/deposits", of_a_thief)) == (409, "duplicate-box")
    assert look(shop, MINE) == [b"c"]


def test_what_changes_nothing_does_not_wait_for_writers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may send it, and the merchant's own writes have one queue."""
    leave(shop, MINE)
    leave(shop, OTHER)
    shop.post("mailbox/deletions", deletion(OTHER))
    monkeypatch.setattr(shop.app.state.service.store._commits, "_longest", 0)
    assert leave(shop, bytes(32)).status_code == 503
    assert shop.post("mailbox/deletions", deletion(MINE)).status_code == 503
    assert leave(shop, MINE).status_code == 201
    assert leave(shop, MINE, b"x").status_code == 409
    assert shop.post("mailbox/deletions", deletion(OTHER)).status_code == 200
    monkeypatch.setattr(mailbox, "_MORE_BOXES", 2)
    assert problem(leave(shop, bytes(32))) == (422, "mailbox-full")


def test_each_merchant_has_a_mailbox_of_its_own(shop: Shop) -> None:
    shop.enter("other")
    leave(shop, MINE)
    path = "/v1/merchants/other/mailbox"
    assert shop.post(f"{path}/lookups", lookup(MINE)).json()["boxes"] == [None] * LOOKUP_BOXES
    assert shop.post(f"{path}/deposits", deposit(MINE, b"x")).status_code == 201
    assert look(shop, MINE) == [b"c"]


@pytest.mark.parametrize(
    "signed",
    [
        deletion(MINE, key=b"e" * 32),
        deletion(MINE, origin="ledger.example/other"),
        {**deletion(OTHER), "address": MINE.hex()},
    ],
)
def test_only_the_key_of_the_box_deletes_it_there(shop: Shop, signed: dict[str, Any]) -> None:
    leave(shop, MINE)
    assert problem(shop.post("mailbox/deletions", signed)) == (422, "not-verified")
    assert look(shop, MINE) == [b"c"]
    assert shop.post("mailbox/deletions", deletion(MINE)).status_code == 200


def test_a_deletion_sent_again_gets_the_same_answer(shop: Shop) -> None:
    leave(shop, MINE)
    first = shop.post("mailbox/deletions", deletion(MINE))
    again = shop.post("mailbox/deletions", deletion(MINE))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.status_code == 200


def test_a_deposit_that_is_repeated_does_not_bring_back_what_was_deleted(shop: Shop) -> None:
    leave(shop, MINE)
    shop.post("mailbox/deletions", deletion(MINE))
    assert problem(leave(shop, MINE)) == (409, "already-deleted")
    assert problem(leave(shop, MINE, b"x")) == (409, "already-deleted")
    assert look(shop, MINE) == [None]


def test_of_two_boxes_at_once_for_one_address_one_is_kept(shop: Shop) -> None:
    contents = [bytes([n]) for n in range(8)] * 2
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda content: leave(shop, MINE, content), contents))
    kept = {c for c, a in zip(contents, answers, strict=True) if a.status_code == 201}
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 14
    assert look(shop, MINE) == [*kept]
    assert counted(shop) == 1


def counted(shop: Shop) -> int:
    with shop.store.read() as connection:
        return connection.scalar(select(mailbox.mailboxes.c.taken)) or 0


def test_each_statement_fails_once_and_the_deposit_is_sent_again(shop: Shop) -> None:
    failures = 0
    while True:
        address = bytes([failures]) * 32
        left = iter(range(failures))

        def fail(*_: Any, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise OperationalError("statement", {}, OSError("full"))

        event.listen(shop.store._writer, "before_cursor_execute", fail)
        answer = leave(shop, address)
        event.remove(shop.store._writer, "before_cursor_execute", fail)
        if answer.status_code == 201:
            break
        assert answer.status_code == 503
        assert (look(shop, address), counted(shop)) == ([None], failures)
        assert leave(shop, address).status_code == 201
        failures += 1
    assert failures >= 4  # of its own there are: find, count twice, insert
    assert counted(shop) == failures + 1


def test_a_deposit_that_was_kept_without_an_answer_is_sent_again(shop: Shop) -> None:
    def lose(connection: Any) -> None:
        connection.connection.commit()
        raise OperationalError("COMMIT", {}, OSError("gone"))

    event.listen(shop.store._writer, "commit", lose)
    assert leave(shop, MINE).status_code == 503
    event.remove(shop.store._writer, "commit", lose)
    assert leave(shop, MINE).status_code == 201
    assert (look(shop, MINE), counted(shop)) == ([b"c"], 1)


def test_processes_on_one_database_keep_to_the_bound_together(
    shop: Shop, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "_MORE_BOXES", 5)
    with Shop(database, entered=False) as other, ThreadPoolExecutor(8) as pool:
        places = [(n, (shop, other)[n % 2]) for n in range(16)]
        answers = list(pool.map(lambda place: leave(place[1], bytes([place[0]]) * 32), places))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [422] * 11
    assert counted(shop) == 5


def test_a_mailbox_grows_with_what_is_sold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_MORE_BOXES", 1)
    assert leave(shop, MINE).status_code == 201
    assert problem(leave(shop, OTHER)) == (422, "mailbox-full")
    assert leave(shop, MINE).status_code == 201  # it is there already
    shop.write("sales", {"sales": [SALE]})
    assert [leave(shop, bytes([n]) * 32).status_code for n in range(3)] == [201, 201, 422]


def test_deleting_makes_no_room_for_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_MORE_BOXES", 1)
    leave(shop, MINE)
    shop.post("mailbox/deletions", deletion(MINE))
    assert problem(leave(shop, OTHER)) == (422, "mailbox-full")


def test_a_deleted_box_is_gone_from_the_rows(shop: Shop) -> None:
    leave(shop, MINE, b"d")
    shop.post("mailbox/deletions", deletion(MINE))
    with shop.store.read() as connection:
        assert connection.scalars(select(mailbox.boxes.c.ciphertext)).all() == [None]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_deleted_box_is_gone_from_the_file(shop: Shop, database: str) -> None:
    content = b"once in a lifetime"
    leave(shop, MINE, content)
    forget_history(shop.store._writer)
    assert any(content in file.read_bytes() for file in files_of(database))
    shop.post("mailbox/deletions", deletion(MINE))
    forget_history(shop.store._writer)
    assert not any(content in file.read_bytes() for file in files_of(database))


def test_no_address_and_no_content_is_in_answers_and_logs(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    body = deposit(MINE)
    bad = deposit(MINE, b"x", ciphertext=body["ciphertext"][:-4])
    taken = deposit(MINE, b"x")
    answers = [shop.post("mailbox/deposits", sent) for sent in (body, body, bad, taken)]
    answers += [shop.post("mailbox/deletions", deletion(a)) for a in (OTHER, MINE, MINE)]
    answers += [shop.post("mailbox/lookups", lookup(OTHER, MINE[:31]))]
    monkeypatch.setattr(mailbox, "_find", _broken)
    answers += [shop.post("mailbox/deposits", body), shop.post("mailbox/deletions", deletion(MINE))]
    assert [answer.status_code for answer in answers[-2:]] == [500, 500]
    said = "\n".join([a.text for a in answers] + [str(a.url) for a in answers] + [caplog.text])
    for secret in (MINE, OTHER):
        assert secret.hex()[:8] not in said
        assert repr(secret)[2:20] not in said
    assert body["ciphertext"][:40] not in said
    assert "RuntimeError" in said  # it was listened


def _broken(_connection: Any, origin: str, address: bytes) -> Any:
    raise RuntimeError(origin, address.hex())
