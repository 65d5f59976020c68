"""What a shop's service has answered, kept beside the wallet for previews without the network.

Answers are kept once they have been verified, and read back through the same checks as answers
from the network: a file here that is damaged, old or forged is a miss. Each is encrypted under the
wallet's key, in a file whose name says nothing. The oldest give way to new ones.

Nothing kept ever replaces a request. What a wallet does not ask for would tell the service what it
asked for before, and so link its visits (docs/adr/0017-kept-answers.md).
"""

import hmac
import os
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sdk.errors import NotKept

__all__ = ["Answer", "KeptAnswers", "KeptFiles", "KeptInMemory", "OfflineTransport"]

_MOST_BYTES = 64 << 20  # a ring of 4,096 is 3 MB, a year's closes with their tiles as much
_NONCE_BYTES = 12


class Answer(NamedTuple):
    """The body of an answer and its media type."""

    content_type: str
    content: bytes


class KeptAnswers(Protocol):
    """Answers by the address they came from."""

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """Keep verified answers, and no more than fit."""

    def find(self, url: str) -> Answer | None:
        """The answer that was kept, to be verified; None also for one that cannot be read."""


class KeptInMemory:
    """For a wallet without a file."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._most_bytes = most_bytes

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """As :class:`KeptAnswers` says."""
        for url, answer in answers.items():
            self._answers[url] = answer
            self._answers.move_to_end(url)
        while sum(len(each.content) for each in self._answers.values()) > self._most_bytes:
            self._answers.popitem(last=False)

    def find(self, url: str) -> Answer | None:
        """As :class:`KeptAnswers` says."""
        return self._answers.get(url)


class KeptFiles:
    """In ``directory``, which is made when it is needed, encrypted under ``key`` of 32 bytes.

    A disk that fails or is full loses what was kept, and nothing else.
    """

    def __init__(self, directory: Path, key: bytes, most_bytes: int = _MOST_BYTES) -> None:
        self._directory = directory
        self._key = key
        self._cipher = ChaCha20Poly1305(key)
        self._most_bytes = most_bytes

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """As :class:`KeptAnswers` says."""
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, exist_ok=True)
            for url, answer in answers.items():
                if self.find(url) == answer:
                    os.utime(self._path(url))
                else:
                    self._write(url, answer)
            self._make_room()

    def find(self, url: str) -> Answer | None:
        """As :class:`KeptAnswers` says."""
        try:
            with self._path(url).open("rb") as file:
                sealed = file.read(self._most_bytes)
            opened = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], url.encode("utf-8")
            )
        except (OSError, ValueError, InvalidTag):  # ValueError: shorter than a nonce
            return None
        content_type, _, content = opened.partition(b"\n")
        return Answer(content_type.decode("ascii"), content)

    def _path(self, url: str) -> Path:
        return self._directory / hmac.digest(self._key, url.encode("utf-8"), sha256).hex()

    def _write(self, url: str, answer: Answer) -> None:
        """Replaced whole; not durable: what a crash loses is fetched again."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        opened = answer.content_type.encode("ascii") + b"\n" + answer.content
        path = self._path(url)
        unfinished = path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(nonce + self._cipher.encrypt(nonce, opened, url.encode("utf-8")))
        unfinished.replace(path)

    def _make_room(self) -> None:
        files = sorted((status.st_mtime_ns, status.st_size, name) for name, status in self._files())
        over = sum(size for _, size, _ in files) - self._most_bytes
        for _, size, name in files:
            if over <= 0:
                return
            (self._directory / name).unlink()
            over -= size

    def _files(self) -> list[tuple[str, os.stat_result]]:
        with os.scandir(self._directory) as found:
            return [(file.name, file.stat(follow_symlinks=False)) for file in found]


class OfflineTransport(httpx.BaseTransport):
    """Stands in the place of the network, and answers from what was kept."""

    def __init__(self, kept: KeptAnswers) -> None:
        self._kept = kept

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The kept answer; :class:`sdk.errors.NotKept` without one."""
        answer = self._kept.find(str(request.url)) if request.method == "GET" else None
        if answer is None:
            raise NotKept
        headers = {"Content-Type": answer.content_type}
        return httpx.Response(httpx.codes.OK, headers=headers, content=answer.content)
