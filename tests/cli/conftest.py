import os
import ssl
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from typer.main import get_command

from commitments import envelope
from tests.cli.terminal import OPERATOR, PASSPHRASE, Terminal, running_service

_NUMBERS = count(1)


@pytest.fixture(scope="module", autouse=True)
def haste() -> Iterator[None]:
    """What takes a tenth of a second once in a program takes half a minute in all these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelope, "_N", 16)  # guessing passphrases may be quick here
        patch.setattr("typer.testing._get_command", cache(get_command))
        empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        patch.setattr("httpx._transports.default.create_ssl_context", lambda **_: empty)
        yield


@pytest.fixture(autouse=True)
def nothing_of_the_testers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KVITTO_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_service(tmp_path_factory.mktemp("service")) as url:
        yield url


@pytest.fixture
def terminal(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """With a merchant of its own that closes by a call, and an empty wallet."""
    monkeypatch.chdir(tmp_path)
    merchant = f"shop-{next(_NUMBERS)}"
    env: dict[str, str | None] = {
        "KVITTO_URL": address,
        "KVITTO_OPERATOR_KEY": OPERATOR,
        "KVITTO_MERCHANT": merchant,
        "KVITTO_PASSPHRASE": PASSPHRASE,
        "KVITTO_WALLET": str(tmp_path / "wallet"),
    }
    opened = Terminal(tmp_path, env)
    opened.json("wallet", "create")
    created = opened.json("merchant", "create", merchant, "--name", "A shop", "--period", "manual")
    opened.env["KVITTO_API_KEY"] = created["api_key"]
    return opened
