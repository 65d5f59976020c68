"""What both logs of a merchant say, in the few facts that detectors and pages look at."""

from dataclasses import dataclass, field
from typing import Any

from aftersales.histories import Histories
from ledger.closes import Close
from ledger.events import LogDeclaration
from ledger.partition import Partition

__all__ = ["PURCHASE", "TRANSFERRED", "Record", "SeenClose", "SeenTransfer", "SeenVoid", "Sighting"]

PURCHASE, TRANSFERRED = 0x01, 0x03
"""The first bytes of entries that are members of rings (docs/protocol.md 4)."""


@dataclass(frozen=True)
class SeenClose:
    """A close that has effect: at ``index`` of the event log, logged at ``time``."""

    index: int
    time: str
    close: Close


@dataclass(frozen=True)
class SeenVoid:
    """The void at ``position`` of the purchase log declares entry ``target`` void.

    ``event`` is the index of the ``purchase.voided`` that gives the reason; all three are ``None``
    where none does.
    """

    position: int
    target: int
    event: int | None = None
    time: str | None = None
    reason: str | None = None


@dataclass
class SeenTransfer:
    """An approved transfer: the index of its approval, and of what ended the old ownership."""

    index: int
    transfer_id: str
    time: str
    retire_by: str
    retired: int | None = None


@dataclass(frozen=True)
class Sighting:
    """A checkpoint as an auditor fetched it: which log, when, and when witnesses cosigned it.

    ``seen`` and ``cosigned`` (by the name of the witness's key) are event times by the clocks of
    auditor and witnesses.
    """

    log: str
    size: int
    seen: str
    cosigned: dict[str, str]


@dataclass
class Record:
    """The facts of one merchant, in the order of its logs.

    ``kinds`` is the first byte of each entry of the purchase log; ``policy_events``, ``key_events``
    (of the keys of logs and witnesses) and ``reports`` are events with their indices; ``times`` the
    time of each event, by index.
    """

    declaration: LogDeclaration
    histories: Histories
    partition: Partition
    closes: list[SeenClose] = field(default_factory=list)
    kinds: bytearray = field(default_factory=bytearray)
    voids: list[SeenVoid] = field(default_factory=list)
    transfers: dict[str, SeenTransfer] = field(default_factory=dict)
    policy_events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    key_events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    reports: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
