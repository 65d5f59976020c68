"""What an operator may choose about a running service; each has a default that is sound."""

from ipaddress import ip_network
from typing import Annotated

from limits import parse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.webhooks.destinations import Destinations

__all__ = ["Networks", "Options", "Rate"]


def _rate(text: str) -> str:
    if text != "none":
        parse(text)  # ValueError
    return text


def _networks(text: str) -> str:
    for network in text.split():
        ip_network(network)  # ValueError
    return text


Networks = Annotated[str, AfterValidator(_networks)]
"""Addresses or networks, separated by spaces."""
Rate = Annotated[str, AfterValidator(_rate)]
"""``60/minute``, ``1000/day``, or ``none``."""


class Options(BaseModel):
    """Choices that the application itself asks for, and not only the command that starts it.

    Their descriptions stand in docs/operators.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_log: bool = Field(
        default=True,
        description="One line for each request: method, route, status, milliseconds, request id.",
    )
    tracing: bool = Field(
        default=False,
        description="Spans of requests by OpenTelemetry, with the packages of `kvitto[otel]`; the"
        " variables `OTEL_EXPORTER_OTLP_…` say where to.",
    )
    limit_reads: Rate = Field(
        default="6000/minute",
        description="Reading, of an address: number/second, minute, hour or day, or `none`. Each"
        " process counts for itself; the other budgets are those of all processes together.",
    )
    limit_claims: Rate = Field(
        default="60/minute", description="Claims, transfers and what follows them, of an address."
    )
    limit_mailbox: Rate = Field(
        default="1000/day", description="Requests to the mailbox, of an address."
    )
    limit_keys: Rate = Field(
        default="6000/minute", description="Requests with one API key, whatever the address."
    )
    limit_wrong_keys: Rate = Field(
        default="20/hour",
        description="Wrong keys of an address; then none of it is looked at.",
    )
    limit_exempt: Networks = Field(
        default="127.0.0.0/8 ::1/128",
        description="Networks without limits, separated by spaces.",
    )
    drain_seconds: int = Field(
        default=0,
        ge=0,
        description="From the signal to stop until connections are refused: `/readyz` says 503 and"
        " claims are not begun, so that a load balancer looks elsewhere.",
    )
    ready_witnesses: int | None = Field(
        default=None,
        ge=0,
        description="Seconds for which a witness may fail before `/readyz` says 503; for ever"
        " where nothing is said.",
    )
    audit_megabytes: int = Field(
        default=256,
        ge=0,
        description="Memory of each process for what `…/overview` and `…/findings` are made of:"
        " about 200 bytes for a purchase and 1.6 kB for an event. Logs that take more are left to"
        " `kvitto audit`.",
    )
    webhook_networks: Networks | None = Field(
        default=None,
        description="Networks to which webhooks may go besides public addresses, separated by"
        " spaces.",
    )
    webhook_http: bool = Field(
        default=False, description="Whether webhooks may go to `http://` too, without TLS."
    )

    @property
    def rate_limits(self) -> dict[str, str]:
        """The budgets by name."""
        return {
            "reads": self.limit_reads,
            "claims": self.limit_claims,
            "mailbox": self.limit_mailbox,
            "keys": self.limit_keys,
            "wrong_keys": self.limit_wrong_keys,
        }

    @property
    def webhooks(self) -> Destinations:
        """Where merchants may have their events sent."""
        networks = tuple(map(ip_network, (self.webhook_networks or "").split()))
        return Destinations(networks, self.webhook_http)
