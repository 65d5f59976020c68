"""Audit the demo's shop; then tell many lies about it, each of which the audit finds.

    make demo                            # leaves the shop in .demo
    python examples/tampering/run.py     # or with another directory as its argument

Exit status 0 only if the true logs pass and every lie is found for what it is.
"""

import io
import json
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import typer

sys.path.insert(0, str(Path(__file__).parents[2]))

from cli.main import app
from examples.tampering.lies import LIES, Lie
from examples.tampering.shop import Shop

__all__ = ["tell_lies"]

_MERCHANT = "nordlicht"


def tell_lies(data: Path, directory: Path) -> bool:
    """Whether all is found out; ``data`` is the demo's, ``directory`` for all that is written."""
    shop = Shop(data, _MERCHANT)
    shop.publish(directory / "truth")
    truth = directory / "truth" / "logs"
    status, found = _audit(truth, directory / "mirror")
    good = status == 0
    print(f"{'passes' if good else f'FAILS {found}':7}  the logs as they are")
    for number, lie in enumerate(LIES, start=1):
        good &= _is_found(lie, shop, truth, directory / str(number))
    return good


def _is_found(lie: Lie, shop: Shop, truth: Path, directory: Path) -> bool:
    mirror = directory / "mirror"
    if lie.seen:
        _audit(truth, mirror)
    status, found = _audit(lie.tell(shop, directory / "lie"), mirror)
    good = status == lie.status and lie.finds in found
    print(f"{'found' if good else 'MISSED':7}  {lie.what}: {lie.finds}")
    if not good:
        print(f"         status {status}: {found}")
    return good


def _audit(place: Path, mirror: Path) -> tuple[int, str]:
    """The exit status of ``kvitto audit``, and what it says does not hold."""
    said = io.StringIO()
    arguments = ["audit", str(place), "--merchant", _MERCHANT, "--mirror", str(mirror), "--json"]
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        status: Any = typer.main.get_command(app).main(arguments, standalone_mode=False)
    (merchant,) = json.loads(said.getvalue())["merchants"]
    rules = [each["rule"] for each in merchant.get("disagreements", ())]
    return status or 0, " ".join([*rules, str(merchant.get("error"))])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kvitto-") as scratch:
        kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / ".demo"
        sys.exit(0 if tell_lies(kept, Path(scratch)) else 1)
