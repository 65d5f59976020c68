"""Sandboxes and their clocks."""

from typing import Literal

from pydantic import Field

from api.documents.common import Count, Document, Moment

__all__ = ["Clock", "ClockMove", "NewSandbox"]


class NewSandbox(Document):
    """A sandbox to be. All is fixed for its life; a sandbox can be thrown away."""

    capacity: Literal[64, 256, 1024, 4096] = Field(
        default=64, description="A ring has about this many members."
    )
    period: Literal["P1D", "manual"] = Field(
        default="manual", description="The log is closed by a call, or each UTC day."
    )
    void_window: Count = Field(default=14, description="How many periods a void comes in time.")


class Clock(Document):
    """What the clock of a sandbox shows; it runs on from there."""

    time: Moment
    ahead: Count = Field(description="Seconds before the real time.")


class ClockMove(Document):
    """Where to move the clock: one of the two."""

    time: Moment | None = Field(default=None, description="Not before what the clock shows.")
    advance: str | None = Field(
        default=None, description="A duration: `P14D`, `P1Y6M` or `PT1H` (ISO 8601)."
    )
