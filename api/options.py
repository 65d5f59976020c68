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
