"""What an operator may choose about a running service; each has a default that is sound."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Options"]


class Options(BaseModel):
    """Choices that the application itself asks for, and not only the command that starts it.

    Their descriptions stand in docs/operators.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_log: bool = Field(
        default=True,
        description="One line for each request: method, route, status, milliseconds, request id.",
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
