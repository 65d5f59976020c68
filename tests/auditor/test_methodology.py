"""docs/methodology.md says of each detector what its code does, constant by constant."""

import re
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from auditor.detecting import DETECTORS
from auditor.findings import MOST_ENTRIES
from auditor.rules import RULES

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "methodology.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^##)", DOCUMENT, re.DOTALL | re.MULTILINE))


def written(value: Any) -> str:
    if isinstance(value, timedelta):
        hours = value // timedelta(hours=1)
        count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
        return f"{count} {unit}" + "s" * (count != 1)
    return str(value) if isinstance(value, Fraction) else f"{value:,}"


def constants(detector: ModuleType) -> dict[str, Any]:
    names = [name for name in vars(detector)["__all__"] if name.isupper() and name != "NAME"]
    return {name: getattr(detector, name) for name in names}


def test_the_rules_are_those_of_the_code() -> None:
    _, _, section = DOCUMENT.partition("\n## The rules\n")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    assert rows == list(RULES.items())


def test_all_detectors_are_described_in_their_order() -> None:
    assert list(SECTIONS) == [detector.NAME for detector in DETECTORS]
    modules = ROOT / "auditor" / "detectors"
    files = {path.stem for path in modules.glob("*.py")} - {"__init__"}
    assert files == {detector.__name__.split(".")[-1] for detector in DETECTORS}


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.NAME)
def test_the_constants_are_those_of_the_code(detector: ModuleType) -> None:
    found = constants(detector)
    listed = ", ".join(f"`{name}` {written(value)}" for name, value in sorted(found.items()))
    line = f"Constants: {listed}." if found else "It has no constants."
    assert line in " ".join(SECTIONS[detector.NAME].split())
    for name in found:
        assert f":data:`{name}`" in (detector.__doc__ or ""), name


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.NAME)
def test_the_severities_are_those_of_the_code(detector: ModuleType) -> None:
    source = Path(detector.__file__ or "").read_text("utf-8")
    for name in ("notice", "warning", "alarm"):
        said = re.search(rf"\b{name}s?\b", SECTIONS[detector.NAME], re.IGNORECASE) is not None
        assert said == bool(re.search(rf"\b{name.upper()}\b", source)), name


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_dashboard_has_words_for_each_detector(language: str) -> None:
    texts = ROOT / "web" / "src" / "dashboard" / "texts" / f"{language}-codes.ts"
    _, _, block = texts.read_text("utf-8").partition("detectors: {")
    words = re.findall(r"^ +\"?([a-z-]+)\"?:", block.partition("}")[0], re.MULTILINE)
    assert sorted(words) == sorted(detector.NAME for detector in DETECTORS)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.NAME)
def test_the_dashboard_says_in_chinese_what_is_found(detector: ModuleType) -> None:
    texts = ROOT / "web" / "src" / "dashboard" / "texts" / "zh-CN-codes.ts"
    _, _, block = texts.read_text("utf-8").partition("patterns: {")
    found = re.findall(rf'^ +"?{detector.NAME}(?:/[a-z-]+)?"?:\s+"(.*)"', block, re.MULTILINE)
    assert found
    facts = set(re.findall(r'"(\w+)":', Path(detector.__file__ or "").read_text("utf-8")))
    assert {name for text in found for name in re.findall(r"\{(\w+)\}", text)} <= facts


def test_most_entries_are_as_many_as_is_said() -> None:
    assert f"({MOST_ENTRIES} at most)" in DOCUMENT
