"""``kvitto serve``: one process of the service."""

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory, database_url, using_database
from cli.errors import Failure
from cli.files import new_file, read_quorum, read_seed_witnesses
from cli.options import whole_number
from cli.output import AsJson, facts, show
from cli.secret_files import (
    Keys,
    PassphraseFile,
    kept_sealing_key,
    read_passphrase,
    sealing_key_path,
)
from cli.workers import run_workers
from commitments.errors import FormatError
from commitments.wire import parse_identifier

__all__ = ["listen", "port_number", "run", "serve"]

_NAME = "localhost"
_KEY_BYTES = 32
_WAITING = 128  # connections that the system holds while all threads are busy
_GRACE = 5  # seconds for requests that are running when the service is told to stop
_MOST_WORKERS = 64
_KEEP_ALIVE = 75  # seconds; longer than proxies wait, or they would send into what is just closed

# Without the client's address: beside the time, it could tell who claims and who redeems a code.
_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(message)s"},
        "access": {
            "()": "uvicorn.logging.AccessFormatter",
            "fmt": "%(asctime)s %(request_line)s %(status_code)s",
            "use_colors": False,
        },
    },
    "handlers": {
        "plain": {"class": "logging.StreamHandler", "formatter": "plain"},
        "access": {"class": "logging.StreamHandler", "formatter": "access"},
    },
    "loggers": {
        "kvitto": {"handlers": ["plain"], "level": "INFO"},
        "uvicorn.error": {"handlers": ["plain"], "level": "WARNING"},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO"},
    },
}


_SERVER: dict[str, Any] = {
    "log_config": _LOGGING,
    "server_header": False,
    "timeout_keep_alive": _KEEP_ALIVE,
    "timeout_graceful_shutdown": _GRACE,
}


def port_number(typed: str | int) -> int:
    """A port as it was typed."""
    port = whole_number(typed)
    if port >= 1 << 16:
        raise typer.BadParameter("there is no such port")
    return port


def _worker_count(typed: str | int) -> int:
    count = whole_number(typed)
    if not 1 <= count <= _MOST_WORKERS:
        raise typer.BadParameter(f"1 to {_MOST_WORKERS}")
    return count


def serve(  # noqa: PLR0913 - each is an option
    *,
    data: DataDirectory = DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="0 for any free one.")
    ] = 8000,
    name: Annotated[
        str | None,
        typer.Option(help="Begins the origin of every log; fixed by the first start."),
    ] = None,
    database: DatabaseUrl = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    witnesses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A tlog-policy whose witnesses, those with a URL, are asked to cosign each log.",
        ),
    ] = None,
    seed_witnesses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lines of a key and a URL: witnesses who must sign each close of new merchants.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(parser=_worker_count, metavar="N", help="Processes; one a core.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Start the service; Ctrl-C stops it.

    Who has the operator's key can create merchants. It is taken from KVITTO_OPERATOR_KEY, or made
    at the first start and kept in the file operator.key. The logs' private keys are sealed under
    the key in the file sealing.key, which is made at the first start too.
    """
    if sys.flags.optimize:
        raise Failure("refuses python -O, under which libraries stop checking what they are given")
    os.umask(0o077)  # the database holds orders and one-time codes
    directory = data.expanduser().absolute()
    sealed_under = sealing_key_path(directory, keys), read_passphrase(passphrase_file)
    with listen(host, port) as listening:
        directory.mkdir(parents=True, exist_ok=True)
        asked = read_quorum(witnesses).witnesses
        signing = read_seed_witnesses(seed_witnesses)
        settings = _settings(
            directory, name, database, sealed_under, witnesses=asked, seed_witnesses=signing
        )
        app = _application(settings, "the database" if database else directory / "kvitto.db")
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        key_file = None if _given_key() else str(directory / "operator.key")
        running = {"url": address, "data": str(directory), "operator_key_file": key_file}
        show(running, facts(running), as_json=as_json)
        sys.stdout.flush()
        if workers == 1:
            run(app, listening)
        else:
            app.state.service.close()  # each worker opens its own
            run_workers(settings, listening, workers, _SERVER)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; ``Failure`` says why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # the rest repeats the address
        raise Failure(f"cannot listen on {host} port {port}: {reason}") from None
    # asyncio does this for sockets it makes itself; without it answers wait 40 ms for an ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _settings(
    directory: Path,
    name: str | None,
    url: str | None,
    sealed_under: tuple[Path, str | None],
    **witnesses: Any,
) -> Any:
    from api.settings import Settings

    key = _given_key() or _kept(directory / "operator.key", secrets.token_hex(_KEY_BYTES))
    service_name = _service_name(directory, name)
    database = database_url(directory, url)
    with using_database("the database" if url else directory / "kvitto.db"):
        sealing = kept_sealing_key(*sealed_under, database)
    return Settings(service_name, database, key, sealing, **witnesses)


def _application(settings: Any, what: str | Path) -> Any:
    from api.app import create_app

    with using_database(what):
        return create_app(settings)


def _given_key() -> str | None:
    return os.environ.get("KVITTO_OPERATOR_KEY") or None


def _service_name(directory: Path, wanted: str | None) -> str:
    """The name that the logs in ``directory`` bear: changed, it would be another service."""
    name = parse_identifier(wanted or _NAME, "name")
    kept = _kept(directory / "service.name", name)
    if wanted is not None and wanted != kept:
        raise Failure(f"the service in {directory} has another name, which cannot change")
    return kept


def _kept(path: Path, fresh: str) -> str:
    """The line in a file, which is made with ``fresh`` where there is none."""
    try:
        with new_file(path) as file:
            file.write(f"{fresh}\n")
    except FileExistsError:
        line = path.read_text("ascii", errors="replace").strip()
        if not (line and line.isascii() and line.isprintable()):
            raise FormatError("not one line of text", str(path)) from None
        return line
    return fresh


def run(app: Any, listening: socket.socket) -> None:
    """Serve until told to stop."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, **_SERVER))
    server.run(sockets=[listening])
    if not server.started:
        raise Failure("the service did not start")
