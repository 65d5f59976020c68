"""Where logs are audited: a service, or a directory that ``kvitto log export`` has written.

Nothing that is read here is believed. The names of merchants become names of directories, so they
are looked at before.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from auditor.state import LogKind
from commitments.errors import FormatError
from commitments.wire import parse_identifier, parse_json
from ledger.cosignature import CosignerKey, parse_cosigner
from ledger.served_log import LogBusy, LogDirectory, LogFiles, LogSite, ServedLog

__all__ = ["Place", "ShownMerchant", "directory_place", "place_at", "service_place"]

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_LARGEST = 1 << 24  # bytes of a document; a directory of 10,000 merchants has 10 MB
_LONGEST_NAME = 100
_TRIES, _LONGEST_WAIT = 10, 120  # seconds; a service counts requests by the minute
_FILE = "merchant.json"
_MEMBERS = ("id", "name", "origin")


@dataclass(frozen=True)
class ShownMerchant:
    """A merchant as a place shows it. ``witnesses`` are those that its logs are said to have."""

    id: str
    name: str
    origin: str
    witnesses: tuple[CosignerKey, ...] = ()

    @classmethod
    def parse(cls, document: Any) -> "ShownMerchant":
        """Read a member of the directory, or ``merchant.json``; ``FormatError`` otherwise."""
        if not isinstance(document, dict) or not document.keys() >= set(_MEMBERS):
            raise FormatError("not a merchant with id, name and origin", "merchant")
        name = document["name"]
        if not isinstance(name, str) or len(name) > _LONGEST_NAME:
            raise FormatError("not a name", "name")
        witnesses = document.get("witnesses", [])
        if not isinstance(witnesses, list):
            raise FormatError("not a list", "witnesses")
        return cls(
            _checked_id(document["id"]),
            name,
            parse_identifier(document["origin"], "origin"),
            tuple(_cosigner(witness) for witness in witnesses),
        )

    def document(self) -> dict[str, str]:
        """As ``merchant.json`` says it."""
        return {"id": self.id, "name": self.name, "origin": self.origin}


class Place(Protocol):
    """Where the logs of merchants are."""

    def ids(self) -> list[str]:
        """The merchants, in an order that stays."""

    def merchant(self, merchant_id: str) -> ShownMerchant:
        """One of them. ``FormatError`` or ``LogUnreachable`` if it is not shown."""

    def log(self, merchant_id: str, kind: LogKind) -> ServedLog:
        """One of its logs."""

    def keys(self, merchant_id: str) -> Any:
        """The document from which its keys follow (:mod:`ledger.farewells`)."""


@contextmanager
def place_at(place: str) -> Iterator[Place]:
    """The service at an http(s) address, or the directory of that name."""
    if not place.startswith(("http://", "https://")):
        yield directory_place(Path(place))
        return
    site = LogSite(place)
    try:
        yield service_place(site)
    finally:
        site.close()


class _Patient:
    """Files that are asked for again when it is time; others ask too."""

    def __init__(self, files: LogFiles, sleep: Callable[[float], None]) -> None:
        self._files = files
        self._sleep = sleep

    def read(self, path: str, limit: int) -> bytes:
        """As :class:`ledger.served_log.LogFiles` says."""
        for _ in range(_TRIES):
            try:
                return self._files.read(path, limit)
            except LogBusy as busy:
                if busy.seconds > _LONGEST_WAIT:
                    raise
                self._sleep(busy.seconds)
        return self._files.read(path, limit)


class _Below:
    """The files of a log among those of all."""

    def __init__(self, files: LogFiles, prefix: str) -> None:
        self._files = files
        self._prefix = prefix

    def read(self, path: str, limit: int) -> bytes:
        """As :class:`ledger.served_log.LogFiles` says."""
        return self._files.read(f"{self._prefix}/{path}", limit)


class _Place:
    """Logs and keys below a prefix."""

    def __init__(self, files: LogFiles, logs: str) -> None:
        self._files = files
        self._logs = logs

    def log(self, merchant_id: str, kind: LogKind) -> ServedLog:
        """As :class:`Place` says."""
        return ServedLog(_Below(self._files, f"{self._logs}{merchant_id}/{kind}"))

    def keys(self, merchant_id: str) -> Any:
        """As :class:`Place` says."""
        return _read_json(self._files, f"{self._logs}{merchant_id}/keys.json")


class _Service(_Place):
    """A service, which lists its merchants."""

    def __init__(self, files: LogFiles) -> None:
        super().__init__(files, "logs/")
        listed = _read_json(files, "v1/directory")
        if not isinstance(listed, dict) or not isinstance(listed.get("merchants"), list):
            raise FormatError("not a list of merchants", "v1/directory")
        shown = [ShownMerchant.parse(each) for each in listed["merchants"]]
        self._merchants = {merchant.id: merchant for merchant in shown}
        if len(self._merchants) < len(shown):
            raise FormatError("a merchant is listed twice", "v1/directory")

    def ids(self) -> list[str]:
        """As :class:`Place` says."""
        return list(self._merchants)

    def merchant(self, merchant_id: str) -> ShownMerchant:
        """As :class:`Place` says."""
        return self._merchants[merchant_id]


class _Directory(_Place):
    """A directory with one of each merchant."""

    def __init__(self, directory: Path) -> None:
        super().__init__(LogDirectory(directory), "")
        self._directory = directory

    def ids(self) -> list[str]:
        """As :class:`Place` says."""
        homes = sorted(path for path in self._directory.iterdir() if (path / _FILE).is_file())
        return [_checked_id(home.name) for home in homes]

    def merchant(self, merchant_id: str) -> ShownMerchant:
        """As :class:`Place` says."""
        shown = ShownMerchant.parse(_read_json(self._files, f"{merchant_id}/{_FILE}"))
        if shown.id != merchant_id:
            raise FormatError("not the merchant of this directory", _FILE)
        return shown


def service_place(files: LogFiles, sleep: Callable[[float], None] = time.sleep) -> Place:
    """The service whose files these are."""
    return _Service(_Patient(files, sleep))


def directory_place(directory: Path) -> Place:
    """The directory; ``OSError`` unless it is one."""
    return _Directory(directory)


def _read_json(files: LogFiles, path: str) -> Any:
    data = files.read(path, _LARGEST)
    if len(data) > _LARGEST:
        raise FormatError("too large", path)
    return parse_json(data, path)


def _checked_id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise FormatError("not the id of a merchant", "id")
    return value


def _cosigner(document: Any) -> CosignerKey:
    if not isinstance(document, dict) or not isinstance(document.get("vkey"), str):
        raise FormatError("not a witness with its vkey", "witnesses")
    return parse_cosigner(document["vkey"])
