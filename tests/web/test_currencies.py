"""The browser knows the same currencies as the service, by the same numbers."""

import re
from pathlib import Path

from commitments.currency import _BY_ALPHA

LIST = Path(__file__).parents[2] / "web" / "src" / "verify" / "policies" / "currencies.ts"


def test_the_lists_are_the_same() -> None:
    found = re.findall(r"(?m)^  ([A-Z]{3}): ([0-9]+),$", LIST.read_text("utf-8"))
    known = {alpha: str(each.numeric) for alpha, each in _BY_ALPHA.items()}
    assert dict(found) == known
    assert len(found) == len(known)
