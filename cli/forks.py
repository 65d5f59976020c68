"""What a command does when a log turns out to have forked: keep the proof, and say where."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import Failure

__all__ = ["Forked", "keeping_proof"]


class Forked(Failure):
    """A log has signed two histories; the proof is in the files ``proofs``."""

    def __init__(self, message: str, *proofs: Path) -> None:
        super().__init__(
            f"{message}. They can check it with kvitto log verify-fork. It also tells them how"
            " large the log was when last seen here, and so perhaps when something was bought"
        )
        self.proofs = proofs


@contextmanager
def keeping_proof(beside: Path) -> Iterator[None]:
    """Write the proof that a log has forked into a new file ``beside`` another.

    What is there already is a proof as good, and stays.
    """
    from ledger.durable import replace_file
    from ledger.fork import ForkedLog

    try:
        yield
    except ForkedLog as forked:
        file = beside.with_name(f"{beside.name}.fork")
        if not file.exists():
            replace_file(file, forked.fork.serialise(), mode=0o600)
        raise Forked(str(forked), file) from None
