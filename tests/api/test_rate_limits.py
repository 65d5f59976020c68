"""How often who may ask: what is limited, what is not, and whom nobody can lock out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.app import create_app
from api.options import Options
from api.rate_counts import RateCounts, rate_counts
from api.rate_limits import RateLimits
from api.settings import Settings
from ledger.store import Store
from tests.api.client import Client
from tests.api.shop import OPERATOR, SALE
from tests.databases import SEALING, Sqlite, fresh
from tests.world import FakeClock

SOMEBODY, ANOTHER = "203.0.113.7", "203.0.113.8"
FEW = Options(
    limit_reads="5/minute",
    limit_claims="2/minute",
    limit_mailbox="3/day",
    limit_keys="4/minute",
    limit_wrong_keys="3/hour",
)
MINUTE = 60


class Town:
    """A service, its clock, and clients with addresses."""

    def __init__(self, database: str, options: Options, clock: FakeClock) -> None:
        self.clock = clock
        self.settings = Settings(
            "ledger.example", database, OPERATOR, SEALING, clock, options=options
        )
        self.client = Client(create_app(self.settings))
        self.limits: RateLimits = self.client.app.state.service.limits
        self.store: Store = self.client.app.state.service.store

    def send(self, who: str, method: str, path: str, **said: Any) -> httpx.Response:
        return self.client.send(method, path, address=who, **said)

    def exchange(self) -> None:
        self.limits.exchange(self.store)


@pytest.fixture
def open_town(sqlite: Sqlite) -> Iterator[Callable[..., Any]]:
    with fresh(sqlite) as database:
        clock = FakeClock()

        @contextmanager
        def opened(options: Options = FEW) -> Iterator[Town]:
            town = Town(database, options, clock)
            with town.client:
                yield town

        yield opened


@pytest.fixture
def town(open_town: Callable[..., Any]) -> Iterator[Town]:
    with open_town() as opened:
        yield opened


def merchant(town: Town, name: str = "acme") -> str:
    """A merchant, made from this machine; its key."""
    body = {"id": name, "name": "Acme", "period": "manual"}
    made = town.client.send("POST", "/v1/merchants", body=body, key=OPERATOR)
    key: str = made.json()["api_key"]
    return key


def test_reads_of_an_address_are_limited_and_only_its(town: Town) -> None:
    answers = [town.send(SOMEBODY, "GET", "/v1/merchants") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    limited = answers[-1]
    assert limited.json()["type"] == "urn:kvitto:problem:rate-limited"
    left = MINUTE - town.clock.now.second
    assert limited.headers["retry-after"] == str(left)
    assert limited.headers["ratelimit-policy"] == '"reads";q=5;w=60'
    assert limited.headers["ratelimit"] == f'"reads";r=0;t={left}'
    assert town.send(ANOTHER, "GET", "/v1/merchants").status_code == 200
    town.clock.advance(seconds=left)
    assert town.send(SOMEBODY, "GET", "/v1/merchants").status_code == 200


def test_budgets_are_apart(town: Town) -> None:
    merchant(town)
    path = "/v1/merchants/acme"
    for expected in (400, 400, 429):
        assert town.send(SOMEBODY, "POST", f"{path}/claims", body={}).status_code == expected
    assert town.send(SOMEBODY, "POST", f"{path}/transfers", body={}).status_code == 429
    for expected in (400, 400, 400, 429):
        answer = town.send(SOMEBODY, "POST", f"{path}/mailbox/lookups", body={})
        assert answer.status_code == expected
    assert town.send(SOMEBODY, "GET", path).status_code == 200


def test_what_is_left_is_told(town: Town) -> None:
    merchant(town)
    answer = town.send(SOMEBODY, "POST", "/v1/merchants/acme/claims", body={})
    assert answer.headers["ratelimit-policy"] == '"claims";q=2;w=60'
    assert answer.headers["ratelimit"].startswith('"claims";r=1;t=')
    assert "ratelimit" not in town.send(SOMEBODY, "GET", "/v1/merchants").headers


def test_health_is_never_limited(town: Town) -> None:
    for path in ("/healthz", "/readyz"):
        answers = {town.send(SOMEBODY, "GET", path).status_code for _ in range(7)}
        assert answers == {200}


def test_a_network_of_ipv6_is_one_address(town: Town) -> None:
    for host in range(1, 6):
        town.send(f"2001:db8:1:2::{host}", "GET", "/v1/merchants")
    assert town.send("2001:db8:1:2:ffff::1", "GET", "/v1/merchants").status_code == 429
    assert town.send("2001:db8:1:3::1", "GET", "/v1/merchants").status_code == 200


def test_this_machine_has_no_limits_unless_the_operator_says_so(
    open_town: Callable[..., Any],
) -> None:
    for exempt, last in (("127.0.0.0/8 ::1/128", 200), ("198.51.100.0/24", 429)):
        with open_town(FEW.model_copy(update={"limit_exempt": exempt})) as town:
            answers = [town.send("127.0.0.1", "GET", "/v1/merchants") for _ in range(6)]
            assert answers[-1].status_code == last


def test_none_is_no_limit(open_town: Callable[..., Any]) -> None:
    with open_town(FEW.model_copy(update={"limit_reads": "none"})) as town:
        answers = {town.send(SOMEBODY, "GET", "/v1/merchants").status_code for _ in range(20)}
    assert answers == {200}


def test_a_key_has_a_budget_wherever_it_is_used(town: Town) -> None:
    key = merchant(town)
    hosts = (SOMEBODY, ANOTHER, SOMEBODY, ANOTHER, "203.0.113.9")
    path, body = "/v1/merchants/acme/sales", {"sales": [SALE]}
    answers = [town.send(host, "POST", path, body=body, key=key) for host in hosts]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert answers[0].headers["ratelimit"].startswith('"keys";r=3;t=')
    assert answers[-1].headers["ratelimit-policy"] == '"keys";q=4;w=60'
    other = merchant(town, "other")
    answer = town.send(SOMEBODY, "POST", "/v1/merchants/other/sales", body=body, key=other)
    assert answer.is_success


def test_who_guesses_keys_is_told_nothing_after_a_few(town: Town) -> None:
    key = merchant(town)
    path, body = "/v1/merchants/acme/sales", {"sales": [SALE]}
    wrong = [
        town.send(SOMEBODY, "POST", path, body=body, key=f"kv_acme_{number:064x}")
        for number in range(4)
    ]
    assert [answer.status_code for answer in wrong] == [401] * 3 + [429]
    # Also the right key would be found by nobody now; its holder elsewhere notices nothing.
    assert town.send(SOMEBODY, "POST", path, body=body, key=key).status_code == 429
    assert town.send(ANOTHER, "POST", path, body=body, key=key).is_success
    town.clock.advance(hours=1)
    assert town.send(SOMEBODY, "POST", path, body=body, key=key).is_success


def test_the_operators_key_cannot_be_guessed_either(town: Town) -> None:
    answers = [
        town.send(SOMEBODY, "POST", "/v1/merchants", body={}, key=f"guess {number}")
        for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429]


def test_a_key_that_is_wrong_uses_up_nobodys_budget(town: Town) -> None:
    """Named as the merchant's, from many addresses: the merchant goes on."""
    key = merchant(town)
    path, body = "/v1/merchants/acme/sales", {"sales": [SALE]}
    for host in range(20):
        false = f"kv_acme_{'0' * 64}"
        assert town.send(f"192.0.2.{host}", "POST", path, body=body, key=false).status_code == 401
    assert town.send(SOMEBODY, "POST", path, body=body, key=key).is_success


def test_no_key_at_all_is_no_guess_but_counts_for_the_address(town: Town) -> None:
    merchant(town)
    path = "/v1/merchants/acme/sales"
    answers = [town.send(SOMEBODY, "POST", path, body={}).status_code for _ in range(3)]
    assert answers == [401, 401, 429]


@pytest.mark.parametrize("said", ["Basic YWNtZTp4", "Bearer", "Bearer  ", "x"])
def test_what_is_no_key_is_no_way_around_the_budget(town: Town, said: str) -> None:
    """Steps are taken with a key or without: whoever names another scheme is one without."""
    merchant(town)
    path = f"/v1/merchants/acme/claims/{'0' * 64}/steps"
    headers = {"Authorization": said}
    for expected in (400, 400, 429):
        answer = town.send(SOMEBODY, "POST", path, body={}, headers=headers)
        assert answer.status_code == expected


def test_every_write_has_a_budget(town: Town) -> None:
    budgets = town.limits._budgets
    assert budgets.keys() >= {
        (method.upper(), path)
        for path, methods in town.client.app.openapi()["paths"].items()
        for method in methods
    }
    assert budgets["POST", "/v1/merchants/{merchant}/claims"] == "claims"
    assert budgets["POST", "/v1/merchants/{merchant}/mailbox/deposits"] == "mailbox"
    assert budgets["GET", "/logs/{merchant}/{log}/checkpoint"] == "reads"
    assert budgets["POST", "/v1/merchants/{merchant}/sales"] is None  # by its key


def test_processes_on_one_database_share_what_they_have_counted(database: str) -> None:
    clock = FakeClock()
    one, two, after_a_restart = (RateCounts(clock) for _ in range(3))
    with Store(database, sealing=SEALING) as store:
        one.incr("k", 60, 3)
        two.incr("k", 60)
        one.exchange(store)
        two.exchange(store)
        assert two.get("k") == 4
        one.incr("k", 60, 2)
        assert one.get("k") == 5  # it has not heard yet
        one.exchange(store)
        assert one.get("k") == 6
        assert after_a_restart.incr("k", 60) == 1
        after_a_restart.exchange(store)
        assert after_a_restart.get("k") == 7
        clock.advance(minutes=1)
        assert one.get("k") == 0
        assert one.incr("k", 60) == 1
        one.exchange(store)
        assert one.get("k") == 1
        with store.read() as connection:
            assert len(connection.execute(select(rate_counts)).all()) == 1


def test_counts_survive_a_restart(open_town: Callable[..., Any]) -> None:
    path = "/v1/merchants/acme/claims"
    with open_town() as town:
        merchant(town)
        for _ in range(2):
            town.send(SOMEBODY, "POST", path, body={})
        town.exchange()
    with open_town() as town:
        town.send(SOMEBODY, "POST", path, body={})
        town.exchange()
        assert town.send(SOMEBODY, "POST", path, body={}).status_code == 429


def test_a_database_that_is_away_does_not_stop_counting(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = RateCounts(town.clock)
    counts.incr("k", 60)

    def fail(*_: Any) -> None:
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "commit", fail)
        with pytest.raises(OSError, match="away"):
            counts.exchange(town.store)
    assert counts.get("k") == 1
    counts.exchange(town.store)
    with town.store.read() as connection:
        assert connection.scalar(select(rate_counts.c.count)) == 1


def test_nobody_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.rate_counts._MOST", 10)
    counts = RateCounts(FakeClock())
    for number in range(50):
        counts.incr(str(number), 60)
    assert len(counts._counts) == len(counts._changed) == 10
    assert counts.get("49") == 1


def test_no_address_and_no_key_is_in_memory_or_database(town: Town) -> None:
    key = merchant(town)
    town.send(SOMEBODY, "POST", "/v1/merchants/acme/sales", body={}, key=key)
    town.send(SOMEBODY, "POST", "/v1/merchants/acme/claims", body={})
    town.send("2001:db8::7", "POST", "/v1/merchants/acme/claims", body={})
    known = set(town.limits._shared._counts)
    town.exchange()
    with town.store.read() as connection:
        stored = set(connection.scalars(select(rate_counts.c.id)))
    assert len(known) == len(stored) == 3
    for text in known | stored:
        for secret in (SOMEBODY, "2001", key, bytes([203, 0, 113, 7]).hex(), "20010db8"):
            assert secret not in text


def test_an_address_has_another_hash_tomorrow_and_elsewhere(town: Town) -> None:
    town.send(SOMEBODY, "POST", "/v1/merchants/acme/claims", body={})
    town.clock.advance(days=1)
    town.send(SOMEBODY, "POST", "/v1/merchants/acme/claims", body={})
    assert len(town.limits._shared._counts) == 2


def test_what_a_proxy_says_can_be_anything(town: Town) -> None:
    for host in ("unknown", "", "1.2.3.4:80", "é" * 1000):
        assert town.send(host, "GET", "/v1/merchants").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit_claims", "many"), ("limit_claims", "-1/minute"), ("limit_exempt", "localhost")],
)
def test_what_is_no_limit(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        Options(**{name: value})
