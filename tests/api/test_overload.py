"""More than the service can take: told so at once, and nothing is lost."""

from threading import Event, Thread

from ledger.store import Transaction
from tests.api.shop import SALE, Shop

WAIT_SECONDS = 30


def test_a_full_queue_is_503_and_later_201(shop: Shop) -> None:
    begun, release = Event(), Event()

    def block(_transaction: Transaction) -> None:
        begun.set()
        assert release.wait(WAIT_SECONDS)

    commits = shop.store._commits
    threads = [Thread(target=shop.store.write, args=(block,), daemon=True)]
    threads[0].start()
    assert begun.wait(WAIT_SECONDS)
    for _ in range(commits._longest):
        threads.append(Thread(target=shop.store.write, args=(lambda _: None,), daemon=True))
        threads[-1].start()
    while len(commits._queue) < commits._longest:
        threads[-1].join(0.001)
    before = shop.state()
    refused = shop.write("sales", {"sales": [SALE]})
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "urn:kvitto:problem:overloaded"
    assert shop.get("/logs/acme/purchases/checkpoint").status_code == 200  # readers do not wait
    release.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
    assert shop.state() == before
    assert shop.write("sales", {"sales": [SALE]}).status_code == 200
