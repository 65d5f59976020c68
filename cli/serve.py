"""``kvitto serve``: one process of the service."""

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.database import DATA, DatabaseUrl, DataDirectory, database_url, using_database
from cli.errors import Failure
from cli.files import new_file, read_quorum, read_seed_witnesses
from cli.logs import logging_configuration
from cli.metrics import serving_metrics
from cli.options import port_number, worker_count
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
from commitments.sandbox import is_sandbox
from commitments.wire import parse_identifier

if TYPE_CHECKING:
    from pydantic import SecretStr

    from cli.configuration import Configuration

__all__ = ["listen", "run", "serve", "server_options"]

_NAME = "localhost"
_KEY_BYTES = 32
_WAITING = 128  # connections that the system holds while all threads are busy
_KEEP_ALIVE = 75  # seconds; longer than proxies wait, or they would send into what is just closed


def serve(  # noqa: PLR0913 - each is an option
    *,
    data: DataDirectory = DATA,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            parser=port_number, metavar="PORT", help="0 for any free one.", show_default="8000"
        ),
    ] = None,
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
        int | None,
        typer.Option(
            parser=worker_count, metavar="N", help="Processes; one a core.", show_default="1"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the service; Ctrl-C stops it.

    What no option says is taken from the environment, as docs/operators.md lists.

    Who has the operator's key can create merchants. It is taken from KVITTO_OPERATOR_KEY, or made
    at the first start and kept in the file operator.key. The logs' private keys are sealed under
    the key in the file sealing.key, which is made at the first start too.
    """
    from cli.configuration import read_configuration

    if sys.flags.optimize:
        raise Failure("refuses python -O, under which libraries stop checking what they are given")
    os.umask(0o077)  # the database holds orders and one-time codes
    chosen = read_configuration(
        data=data,
        host=host,
        port=port,
        name=name,
        database=database,
        keys=keys,
        keys_passphrase=read_passphrase(passphrase_file),
        witnesses=witnesses,
        seed_witnesses=seed_witnesses,
        workers=workers,
    )
    directory = chosen.data.expanduser().absolute()
    with listen(chosen.host, chosen.port) as listening:
        directory.mkdir(parents=True, exist_ok=True)
        settings = _settings(directory, chosen)
        app = _application(settings, _database_name(directory, chosen))
        port = listening.getsockname()[1]
        address = f"http://{f'[{chosen.host}]' if ':' in chosen.host else chosen.host}:{port}"
        key_file = None if chosen.operator_key else str(directory / "operator.key")
        running = {"url": address, "data": str(directory), "operator_key_file": key_file}
        with serving_metrics(chosen.metrics, chosen.workers) as metrics_url:
            if metrics_url is not None:
                running["metrics"] = metrics_url
            show(running, facts(running), as_json=as_json)
            sys.stdout.flush()
            server = server_options(chosen.log_format, chosen.grace_seconds, chosen.trusted_proxies)
            if chosen.workers == 1:
                run(app, listening, **server)
            else:
                app.state.service.close()  # each worker opens its own
                run_workers(settings, listening, chosen.workers, server)


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


def _settings(directory: Path, chosen: "Configuration") -> Any:
    from api.settings import Settings

    key = _text(chosen.operator_key) or _kept(
        directory / "operator.key", secrets.token_hex(_KEY_BYTES)
    )
    database = database_url(directory, _text(chosen.database))
    path = sealing_key_path(directory, chosen.keys)
    with using_database(_database_name(directory, chosen)):
        sealing = kept_sealing_key(path, _text(chosen.keys_passphrase), database)
    return Settings(
        _service_name(directory, chosen.name),
        database,
        key,
        sealing,
        witnesses=read_quorum(chosen.witnesses).witnesses,
        seed_witnesses=read_seed_witnesses(chosen.seed_witnesses),
        options=chosen.options,
    )


def _text(secret: "SecretStr | None") -> str | None:
    return (secret.get_secret_value() or None) if secret else None


def _database_name(directory: Path, chosen: "Configuration") -> str | Path:
    """How errors call it: its URL may have a password."""
    return "the database" if chosen.database else directory / "kvitto.db"


def _application(settings: Any, what: str | Path) -> Any:
    from api.app import create_app

    with using_database(what):
        return create_app(settings)


def _service_name(directory: Path, wanted: str | None) -> str:
    """The name that the logs in ``directory`` bear: changed, it would be another service."""
    name = parse_identifier(wanted or _NAME, "name")
    if is_sandbox(f"{name}/"):
        raise FormatError("/test/ is for sandboxes", "name")
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


def server_options(
    log_format: str = "plain", grace_seconds: int = 5, trusted_proxies: str = ""
) -> dict[str, Any]:
    """Options of uvicorn. Its own access log has addresses and queries; ours is api/observing."""
    from cli.bounded_http import BoundedHttp

    return {
        "access_log": False,
        "http": BoundedHttp,
        "ws": "none",
        "forwarded_allow_ips": trusted_proxies.split(),
        "log_config": logging_configuration(as_json=log_format == "json"),
        "server_header": False,
        "timeout_keep_alive": _KEEP_ALIVE,
        "timeout_graceful_shutdown": grace_seconds,
    }


def run(app: Any, listening: socket.socket, **server: Any) -> None:
    """Serve until told to stop."""
    import uvicorn

    running = uvicorn.Server(uvicorn.Config(app, **server))
    running.run(sockets=[listening])
    if not running.started:
        raise Failure("the service did not start")
