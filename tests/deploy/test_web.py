"""What builds the dashboard is pinned, for each machine, and names no place to fetch it from."""

import json
import re
from typing import Any

from tests.serving import ROOT

WEB = ROOT / "web"
LOCK: dict[str, dict[str, Any]] = json.loads((WEB / "package-lock.json").read_text("utf-8"))[
    "packages"
]


def test_the_lock_names_no_address() -> None:
    assert not [path for path, package in LOCK.items() if "resolved" in package]


def test_the_lock_is_of_what_is_asked_for() -> None:
    wanted = json.loads((WEB / "package.json").read_text("utf-8"))
    for group in ("dependencies", "devDependencies"):
        assert LOCK[""][group] == wanted[group]
        for version in wanted[group].values():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), version


def test_the_lock_has_what_other_machines_need() -> None:
    """``npm ci`` refuses a lock without them; a registry that lacks one leaves it out."""
    missing = [
        name
        for path, package in LOCK.items()
        for name in package.get("optionalDependencies", ())
        if not {f"node_modules/{name}", f"{path}/node_modules/{name}"} & LOCK.keys()
    ]
    assert missing == []
