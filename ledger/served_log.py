"""A log as anybody reads it (c2sp tlog-tiles): files below an address, or in a directory.

Nothing that is read is believed here. Every answer ends: it has a largest size and a latest
moment; redirects are not followed and cookies not kept.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import httpx

from commitments.errors import FormatError, KvittoError
from commitments.wire import parse_decimal
from ledger.careful_client import careful_client
from ledger.merkle import HASH_BYTES
from ledger.tiles import (
    MAX_ENTRY_BYTES,
    TILE_WIDTH,
    Tile,
    bundle_path,
    decode_bundle,
    tile_path,
)

__all__ = [
    "LogBusy",
    "LogDirectory",
    "LogFiles",
    "LogSite",
    "LogUnreachable",
    "NotServed",
    "ServedLog",
]

_LONGEST_NOTE = 128 * 1024  # as ledger.note
_LONGEST_TILE = TILE_WIDTH * HASH_BYTES
_LONGEST_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
_ABSENT = (403, 404, 410)  # object stores answer 403 for what is not there
_LATER = (429, 503)
_WAIT = httpx.Timeout(20, connect=10)  # seconds without a byte
_PATIENCE = 60.0  # seconds for a whole answer, however its bytes trickle
_PARALLEL = 4  # files fetched at once

# The names say what happened, as those of commitments.errors do.
# ruff: noqa: N818


class LogUnreachable(KvittoError):
    """No usable answer comes from where the log is."""


class NotServed(LogUnreachable):
    """A file of the log is not there."""


class LogBusy(LogUnreachable):
    """The log wants to be asked again in so many ``seconds``."""

    def __init__(self, status: int, seconds: int) -> None:
        super().__init__(f"log: it is asked too much (status {status}), in {seconds} s again")
        self.seconds = seconds


class LogFiles(Protocol):
    """Where the files of a log are."""

    def read(self, path: str, limit: int) -> bytes:
        """The file at ``path``; of one longer than ``limit`` bytes, so much that it shows.

        :class:`NotServed`, :class:`LogBusy` or another :class:`LogUnreachable`.
        """


class LogDirectory:
    """A log in a directory, as ``kvitto log export`` and mirrors write it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, path: str, limit: int) -> bytes:
        """As :class:`LogFiles` says."""
        try:
            with (self._directory / path).open("rb") as file:
                return file.read(limit + 1)
        except FileNotFoundError:
            raise NotServed(f"log: there is no {path} in the directory") from None
        except OSError as error:
            raise LogUnreachable(f"log: {path} cannot be read: {error.strerror}") from None


class LogSite:
    """A log below the address ``url``; ``monotonic`` counts seconds."""

    def __init__(self, url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url.rstrip("/")
        self._monotonic = monotonic
        self._client = careful_client(_WAIT)

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def read(self, path: str, limit: int) -> bytes:
        """As :class:`LogFiles` says."""
        try:
            with self._client.stream("GET", f"{self._url}/{path}") as answer:
                _require_file(answer, path)
                return self._first(answer, limit)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            # UnicodeError: a host name that is none, here or in a redirect
            raise LogUnreachable(f"log: no answer ({type(error).__name__})") from None

    def _first(self, answer: httpx.Response, limit: int) -> bytes:
        until = self._monotonic() + _PATIENCE
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > limit:
                break
            if self._monotonic() > until:
                raise LogUnreachable("log: an answer does not end")
        return bytes(body[: limit + 1])


def _require_file(answer: httpx.Response, path: str) -> None:
    if answer.status_code in _ABSENT:
        raise NotServed(f"log: {path} is not served (status {answer.status_code})")
    if answer.is_redirect:
        raise LogUnreachable(f"log: {path} is a redirect, which is not followed")
    if answer.status_code in _LATER and "Retry-After" in answer.headers:
        with suppress(FormatError):  # a date, or nothing
            seconds = parse_decimal(answer.headers["Retry-After"], "Retry-After")
            raise LogBusy(answer.status_code, seconds)
    if answer.status_code != httpx.codes.OK:
        raise LogUnreachable(f"log: {path} is answered with status {answer.status_code}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise LogUnreachable(f"log: {path} is answered compressed, which was not asked for")


class ServedLog:
    """A log read from ``files``: its checkpoint, tiles and entries."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    @classmethod
    @contextmanager
    def at(cls, place: str) -> Iterator["ServedLog"]:
        """The log at an http(s) address or in a local directory."""
        if not place.startswith(("http://", "https://")):
            yield cls(LogDirectory(Path(place)))
            return
        site = LogSite(place)
        try:
            yield cls(site)
        finally:
            site.close()

    def checkpoint(self) -> bytes:
        """The newest checkpoint, a signed note."""
        return self._files.read("checkpoint", _LONGEST_NOTE)

    def tiles(self, wanted: Sequence[Tile]) -> list[bytes]:
        """The content of each tile, for :class:`ledger.tiles.TileReader`."""
        with ThreadPoolExecutor(_PARALLEL, "tiles") as pool:
            return list(pool.map(self._tile, wanted))

    def entries(self, index: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle; ``FormatError`` unless it has them."""
        try:
            return decode_bundle(
                self._files.read(bundle_path(index, width), _LONGEST_BUNDLE), width
            )
        except NotServed:
            if width == TILE_WIDTH:
                raise
        return self.entries(index, TILE_WIDTH)[:width]

    def _tile(self, tile: Tile) -> bytes:
        try:
            return self._files.read(tile_path(tile.level, tile.index, tile.width), _LONGEST_TILE)
        except NotServed:
            if tile.width == TILE_WIDTH:
                raise
        # c2sp tlog-tiles: a partial tile may be gone as soon as the full one is there
        whole = self._tile(Tile(tile.level, tile.index, TILE_WIDTH))
        return whole[: tile.width * HASH_BYTES]
