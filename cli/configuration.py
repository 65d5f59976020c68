"""What ``kvitto serve`` is told: by its options, else by the environment, else as stands here.

One class reads both, so that an option and its variable cannot differ in meaning. The table in
docs/operators.md is made from it.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.options import Networks, Options
from cli.database import DATA
from cli.options import address, port_number, worker_count
from cli.secret_files import secret_variable

__all__ = ["Configuration", "LogFormat", "read_configuration"]

_PREFIX = "KVITTO_"


class LogFormat(StrEnum):
    """How a line of the log is written."""

    PLAIN = "plain"
    JSON = "json"


def _as_typed(parse: Callable[[Any], Any]) -> BeforeValidator:
    """Read what the environment says as options are read."""

    def validate(value: Any) -> Any:
        try:
            return value if value is None else parse(value)
        except typer.BadParameter as error:
            raise ValueError(error.message) from None

    return BeforeValidator(validate)


class Configuration(Options, BaseSettings):
    """All settings of a service. Those with a secret can also be given as a file."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    data: Path = Field(DATA, description="Directory of the database and of keys.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, _as_typed(port_number)] = Field(
        8000, description="Port to listen on; 0 for any free one."
    )
    name: str | None = Field(
        None, description="Begins the origin of every log; fixed by the first start."
    )
    database: SecretStr | None = Field(
        None,
        description="`postgresql://USER@HOST/NAME` or `sqlite:///FILE`; else `kvitto.db` in the"
        " data directory.",
    )
    operator_key: SecretStr | None = Field(
        None, description="Who has it can create merchants; else `operator.key`, made if missing."
    )
    keys: Path | None = Field(
        None, description="File of the sealing key; else `sealing.key` in the data directory."
    )
    keys_passphrase: SecretStr | None = Field(
        None, description="Encrypts the file of the sealing key."
    )
    witnesses: Path | None = Field(
        None, description="A tlog-policy whose witnesses are asked to cosign each log."
    )
    seed_witnesses: Path | None = Field(
        None, description="Keys and URLs of witnesses who must sign each close of new merchants."
    )
    workers: Annotated[int, _as_typed(worker_count)] = Field(
        1, description="Processes; one a core."
    )
    metrics: Annotated[tuple[str, int] | None, NoDecode, _as_typed(address)] = Field(
        None,
        description="`HOST:PORT` to serve Prometheus metrics at, without a key: keep it private.",
    )
    grace_seconds: int = Field(
        5, ge=0, description="For requests that are running when the service stops."
    )
    trusted_proxies: Networks = Field(
        "127.0.0.1 ::1",
        description="Addresses or networks of reverse proxies, separated by spaces: who asks is"
        " taken from their `X-Forwarded-For`.",
    )
    log_format: LogFormat = Field(
        LogFormat.PLAIN, description="`plain` for people, `json` for one JSON object a line."
    )

    @property
    def options(self) -> Options:
        """Those that the application itself asks for."""
        return Options(**{name: getattr(self, name) for name in Options.model_fields})


def read_configuration(**options: Any) -> Configuration:
    """What the options say that are not None, and the environment of the rest.

    ``typer.BadParameter`` names the variable that cannot be read, without its value.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, field in Configuration.model_fields.items():
        if field.annotation == SecretStr | None and name not in given:
            given[name] = secret_variable(_PREFIX + name.upper())
    try:
        return Configuration(**given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        variable = _PREFIX + str(first["loc"][0]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(message, param_hint=variable) from None
