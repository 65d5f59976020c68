"""Reading a log of others, over real HTTP and from a directory."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from ledger.monitor import Head, check_entries, look
from ledger.quorum import NO_QUORUM
from ledger.served_log import LogBusy, LogDirectory, LogSite, LogUnreachable, NotServed, ServedLog
from ledger.tiles import Tile
from tests.ledger.served import LOG, Files, History
from tests.serving import served

HONEST = History(700)
MB = 1 << 20


class Site:
    """Serves files, until a test makes it answer otherwise."""

    def __init__(self) -> None:
        self.files = Files(HONEST.files(700))
        self.instead: Callable[[], Response] | None = None
        self.requests: list[Request] = []
        self.app = Starlette(routes=[Route("/a log/{path:path}", self._answer)])

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        if self.instead is not None:
            return self.instead()
        content = self.files.get(request.path_params["path"])
        headers = {"Set-Cookie": "visitor=1"}
        return Response("gone", 404) if content is None else Response(content, headers=headers)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Site, str]]:
    site = Site()
    with served(site.app) as url:
        yield site, f"{url}/a log/"


@pytest.fixture
def site(running: tuple[Site, str]) -> Site:
    site, _ = running
    site.files, site.instead, site.requests = Files(HONEST.files(700)), None, []
    return site


@pytest.fixture
def url(running: tuple[Site, str]) -> str:
    return running[1]


def grown(log: ServedLog) -> int:
    known = Head.of(HONEST.note(300))
    head = look(log, LOG.verifier, NO_QUORUM, known)
    check_entries(log, known, head)
    return head.size


def test_a_log_over_http(site: Site, url: str) -> None:
    with ServedLog.at(url) as log:
        assert grown(log) == 700
    for request in site.requests:
        assert request.headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in request.headers  # who is known can be lied to consistently


def test_a_log_in_a_directory(tmp_path: Path) -> None:
    for path, content in HONEST.files(700).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    with ServedLog.at(str(tmp_path)) as log:
        assert grown(log) == 700
        (tmp_path / "tile/0/001").unlink()
        with pytest.raises(NotServed, match="no tile/0/001 in the directory"):
            grown(log)
        (tmp_path / "tile/0/001").mkdir()
        with pytest.raises(LogUnreachable, match="tile/0/001 cannot be read: Is a directory"):
            grown(log)
    assert len(LogDirectory(tmp_path).read("checkpoint", 10)) == 11


async def endless() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b"x" * MB


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (RedirectResponse("/elsewhere"), "a redirect, which is not followed"),
        (Response("", 307, {"Location": "http://xn--a/"}), "no answer"),  # no host's name
        (Response("later", 503), "status 503"),
        (Response("", 204), "status 204"),
        (Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "compressed"),
    ],
)
def test_an_answer_that_is_no_file(site: Site, url: str, answer: Response, why: str) -> None:
    with ServedLog.at(url) as log:
        site.instead = lambda: answer
        with pytest.raises(LogUnreachable, match=why):
            grown(log)
        site.instead = None
        assert grown(log) == 700
    assert all(request.url.path.startswith("/a log/") for request in site.requests)


@pytest.mark.parametrize("status", [429, 503])
def test_a_log_says_when_to_ask_again(site: Site, url: str, status: int) -> None:
    site.instead = lambda: Response("later", status, {"Retry-After": "7"})
    with ServedLog.at(url) as log:
        with pytest.raises(LogBusy, match=f"{status}.* in 7 s") as caught:
            log.checkpoint()
        assert caught.value.seconds == 7
        for unclear in ("Wed, 21 Oct 2026 07:28:00 GMT", "-1", "07", "9" * 30):
            site.instead = lambda value=unclear: Response("", status, {"Retry-After": value})
            with pytest.raises(LogUnreachable, match=f"status {status}"):
                log.checkpoint()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_is_named(site: Site, url: str, status: int) -> None:
    site.instead = lambda: Response("gone", status)
    with ServedLog.at(url) as log, pytest.raises(NotServed, match=f"checkpoint .*{status}"):
        log.checkpoint()


def test_of_an_answer_without_end_only_the_beginning_is_read(site: Site, url: str) -> None:
    seconds = count()  # one for each piece: too slow for all of it
    patient = LogSite(url, lambda: next(seconds))
    log = ServedLog(patient)
    site.instead = lambda: StreamingResponse(endless())
    assert len(log.checkpoint()) == 128 * 1024 + 1
    assert [len(tile) for tile in log.tiles([Tile(0, 0, 256)])] == [256 * 32 + 1]
    with pytest.raises(LogUnreachable, match="does not end"):
        log.entries(0, 256)
    patient.close()


def test_an_answer_that_trickles_is_given_up(site: Site, url: str) -> None:
    seconds = count(step=10)
    patient = LogSite(url, lambda: next(seconds))

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x"

    site.instead = lambda: StreamingResponse(trickle())
    with pytest.raises(LogUnreachable, match="does not end"):
        patient.read("checkpoint", 1000)
    patient.close()


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:1/log", "http://[/", "https://a b/", "http://xn--a/"]
)
def test_nobody_there(place: str) -> None:
    with ServedLog.at(place) as log, pytest.raises(LogUnreachable, match="no answer"):
        log.checkpoint()


def test_a_connection_that_breaks(site: Site, url: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionAbortedError  # as when a machine goes down

    site.instead = lambda: StreamingResponse(broken())
    with ServedLog.at(url) as log, pytest.raises(LogUnreachable, match="no answer"):
        log.checkpoint()


def test_partial_files_that_are_gone_are_cut_from_the_full_ones(site: Site, url: str) -> None:
    del site.files["tile/0/002.p/188"], site.files["tile/entries/002.p/188"]
    later = History(800).files(800)
    site.files["tile/0/002"] = later["tile/0/002"]
    site.files["tile/entries/002"] = later["tile/entries/002"]
    with ServedLog.at(url) as log:
        assert grown(log) == 700
        del site.files["tile/0/002"]
        with pytest.raises(NotServed, match="tile/0/002 "):
            grown(log)
