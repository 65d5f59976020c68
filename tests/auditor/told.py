"""The story as its merchant tells it, and as a merchant who lies tells it: signed all the same."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.log_directory import export_merchant
from commitments.errors import FormatError
from commitments.wire import canonical_json
from ledger.events import events_origin, parse_event
from ledger.evidence import EventEvidence
from ledger.key_history import KEY_EVENTS
from ledger.merkle import build_multiproof
from ledger.note import Signer, Verifier
from tests.auditor.logs import Logs, read_logs
from tests.auditor.shown_logs import ShownLog
from tests.auditor.story import tell
from tests.databases import Sqlite, fresh
from tests.world import ORIGIN, World

__all__ = ["Told", "told_story"]


@dataclass(frozen=True)
class Told:
    """The logs, who signs them, and the directory that was exported.

    ``secrets`` are those of owners who could still leave, as :mod:`tests.auditor.story` says.
    """

    logs: Logs
    secrets: Mapping[str, int]
    purchases: tuple[Signer, ...]
    events: tuple[Signer, ...]
    exported: Path

    @property
    def key(self) -> Verifier:
        """That of the event log."""
        return self.events[-1].verifier

    def write(self, logs: Logs, directory: Path, merchant: str = "acme") -> Path:
        """The files of such logs, in place of what was there."""
        home = directory / merchant
        log = ShownLog(logs.events, *self.events)
        for kind, shown in (
            ("events", log),
            ("purchases", ShownLog(logs.purchases, *self.purchases)),
        ):
            for path, content in shown.files(len(shown.entries)).items():
                (home / kind / path).parent.mkdir(parents=True, exist_ok=True)
                (home / kind / path).write_bytes(content)
        about = {"id": merchant, "name": "Acme", "origin": ORIGIN}
        (home / "merchant.json").write_bytes(canonical_json(about))
        (home / "keys.json").write_bytes(canonical_json({"history": [_keys(log, logs)]}))
        return directory


def _keys(log: ShownLog, logs: Logs) -> dict[str, object]:
    events = []
    for index, data in enumerate(logs.events):
        with suppress(FormatError):
            if (event := parse_event(data))["type"] in KEY_EVENTS:
                events.append((index, event))
    size = len(logs.events)
    hashes = tuple(build_multiproof(log.reader, [index for index, _ in events], size))
    return EventEvidence(tuple(events), hashes, log.note(size)).document()


def told_story(sqlite: Sqlite, directory: Path) -> Told:
    """Let it all happen, and export it."""
    with fresh(sqlite) as url, World(url) as world:
        secrets = tell(world)
        export_merchant(world.store, world.merchant, directory)
        return Told(
            read_logs(world.store),
            secrets,
            world.signers(ORIGIN),
            world.signers(events_origin(ORIGIN)),
            directory,
        )
