"""Somebody at a terminal, and the service that the commands talk to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from api.app import create_app
from api.options import Options
from api.settings import Settings
from cli.main import app
from tests.databases import SEALING, check
from tests.serving import served
from tests.world import KETTLE, WARRANTY

OPERATOR = "op" * 16
PASSPHRASE = "correct horse"
TODAY = datetime.now(UTC).date().isoformat()
SALE = ["--date", TODAY, "--product", KETTLE, "--price", "249.00", "--currency", "EUR"]


@contextmanager
def running_service(directory: Path) -> Iterator[str]:
    """The address of a real service, in a thread."""
    database = f"sqlite:///{directory}/kvitto.db"
    (directory / "sealing.key").write_bytes(SEALING.encode())
    options = Options(webhook_networks="127.0.0.0/8", webhook_http=True)
    settings = Settings("ledger.example", database, OPERATOR, SEALING, options=options)
    with served(create_app(settings)) as address:
        yield address
    check(database)


@dataclass
class Terminal:
    """Runs ``kvitto`` in ``directory``, with ``env`` in the environment."""

    directory: Path
    env: dict[str, str | None] = field(default_factory=dict)

    def run(self, *arguments: str | Path, typed: str | None = None, status: int = 0) -> Result:
        """Run a command that must end with ``status``."""
        result = CliRunner().invoke(app, [str(a) for a in arguments], typed, self.env)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments: str | Path, status: int = 0) -> Any:
        """Run a command with ``--json``; the one document on its stdout."""
        return json.loads(self.run(*arguments, "--json", status=status).stdout)

    def error(self, *arguments: str | Path, status: int) -> dict[str, Any]:
        """What a failing command says to scripts, if it says the same to people in one line."""
        said: dict[str, Any] = self.json(*arguments, status=status)["error"]
        shown = self.run(*arguments, status=status)
        assert shown.stdout == ""
        place = f"{said['field']}: " if said["field"] else ""
        assert shown.stderr.splitlines()[0] == f"error: {place}{said['message']}"
        return said

    def file(self, name: str, content: str | bytes) -> Path:
        """A new file in the directory."""
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def policy(self, **changes: Any) -> Path:
        """A file with a policy of this merchant, valid on any day this test may run."""
        always = {"valid_from": "2000-01-01", "valid_to": "9999-12-31", "smallest_ring": 1}
        origin = f"ledger.example/{self.env['KVITTO_MERCHANT']}"
        document = {**WARRANTY, **always, "origin": origin, **changes}
        return self.file(f"{document['id']}.json", json.dumps(document))

    def buy(self, order: str, *changes: str) -> dict[str, Any]:
        """From the wallet's request to the accepted receipt."""
        request = self.file(
            f"{order}.request", self.run("wallet", "request", "--order", order).stdout
        )
        receipt = self.directory / f"{order}.receipt"
        sale = [*SALE, *changes, "--out", str(receipt)]
        self.run("merchant", "record", request, "--order", order, *sale)
        accepted: dict[str, Any] = self.json("wallet", "accept", receipt)
        return accepted
