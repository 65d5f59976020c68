"""Options that several commands share, and how what was typed is read."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from commitments.errors import FormatError, VerificationError
from commitments.sandbox import is_sandbox
from commitments.wire import parse_decimal

__all__ = [
    "DEFAULT_URL",
    "AlsoSandbox",
    "KnownKeys",
    "LogsPlace",
    "MaybeMerchantId",
    "MerchantId",
    "MerchantKey",
    "MirrorDirectory",
    "OperatorKey",
    "QuorumFile",
    "Remedy",
    "Url",
    "address",
    "port_number",
    "require_real",
    "whole_number",
    "worker_count",
]

AlsoSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Also a sandbox's, which is worth nothing.")
]
DEFAULT_URL = "http://127.0.0.1:8000"
_MOST_WORKERS = 64
_MERCHANT = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)  # what an HTTP header carries
_SAFER = "Better in the environment: everybody on this computer can read a program's arguments."


class Remedy(StrEnum):
    """What a buyer asks for, and what a merchant grants (policies.claim.REMEDIES)."""

    REPAIR = "repair"
    REPLACEMENT = "replacement"
    REFUND = "refund"
    STORE_CREDIT = "store_credit"


def whole_number(typed: str | int) -> int:
    """A number in one spelling (int() would take ``1_000``). Typer also passes defaults here."""
    if isinstance(typed, int):
        return typed
    try:
        return parse_decimal(typed, "number")
    except FormatError as error:
        raise typer.BadParameter(str(error)) from None


def port_number(typed: str | int) -> int:
    """A port as it was typed."""
    port = whole_number(typed)
    if port >= 1 << 16:
        raise typer.BadParameter("there is no such port")
    return port


def address(typed: str) -> tuple[str, int]:
    """``HOST:PORT`` as it was typed; an IPv6 address in brackets."""
    host, colon, port = typed.rpartition(":")
    if not colon or not host or (":" in host) != (host[:1] + host[-1:] == "[]"):
        raise typer.BadParameter("not HOST:PORT")
    return host.strip("[]"), port_number(port)


def worker_count(typed: str | int) -> int:
    """A number of processes as it was typed."""
    count = whole_number(typed)
    if not 1 <= count <= _MOST_WORKERS:
        raise typer.BadParameter(f"1 to {_MOST_WORKERS}")
    return count


def require_real(origin: str, *, sandbox: bool) -> dict[str, bool]:
    """``VerificationError`` for the log of a sandbox, unless that is allowed; what to say of it."""
    if not is_sandbox(origin):
        return {}
    if not sandbox:
        raise VerificationError("it is a sandbox's, in which nothing is real; see --sandbox")
    return {"sandbox": True}


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise typer.BadParameter("not an address like http://127.0.0.1:8000")
    return url.rstrip("/")


def _check_merchant(merchant: str | None) -> str | None:
    if merchant is not None and not _MERCHANT.fullmatch(merchant):
        raise typer.BadParameter("only a-z, 0-9 and hyphens, at most 40")
    return merchant


def _check_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise typer.BadParameter("not a key")
    return key


Url = Annotated[
    str, typer.Option(envvar="KVITTO_URL", callback=_check_url, help="Where the service is.")
]
LogsPlace = Annotated[
    str,
    typer.Argument(
        metavar="PLACE", help="A service's address, or a directory that `log export` has made."
    ),
]
MirrorDirectory = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Where the logs are kept; else below ~/.kvitto/audit, by place."
    ),
]
KnownKeys = Annotated[
    list[str] | None,
    typer.Option(metavar="VKEY", help="A log's key that you know from elsewhere; again for more."),
]
QuorumFile = Annotated[
    Path | None,
    typer.Option("--quorum", metavar="FILE", help="A tlog-policy: who must have cosigned."),
]
MerchantId = Annotated[
    str, typer.Option(envvar="KVITTO_MERCHANT", callback=_check_merchant, help="The merchant's id.")
]
MaybeMerchantId = Annotated[
    str | None,
    typer.Option(envvar="KVITTO_MERCHANT", callback=_check_merchant, help="The merchant's id."),
]
MerchantKey = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="KVITTO_API_KEY",
        callback=_check_key,
        help=f"The merchant's API key. {_SAFER}",
    ),
]
OperatorKey = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="KVITTO_OPERATOR_KEY",
        callback=_check_key,
        help=f"The operator's key. {_SAFER}",
    ),
]
