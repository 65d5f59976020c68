import re
from pathlib import Path

import pytest

from api import pages

ASSETS = Path(pages.__file__).parent / "assets"
ENOUGH = 4.5  # WCAG 2.2, 1.4.3


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(
        r":root \{(.*?)\}", (ASSETS / "base.css").read_text("utf-8"), re.DOTALL
    )
    return {
        name: dict(re.findall(r"--([\w-]+): (#\w{6})", text))
        for name, text in [("light", light), ("dark", dark)]
    }


def _luminance(colour: str) -> float:
    red, green, blue = (value / 255 for value in bytes.fromhex(colour[1:]))
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "shade"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "good", "warn", "bad"])
def test_text_can_be_read(scheme: str, paper: str, ink: str) -> None:
    colours = _schemes()[scheme]
    assert contrast(colours[ink], colours[paper]) >= ENOUGH


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_colour_can_be_read(scheme: str) -> None:
    colours = _schemes()[scheme]
    assert contrast(colours["on-accent"], colours["accent"]) >= ENOUGH
    assert contrast(colours["paper"], colours["warn"]) >= ENOUGH


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("path", sorted(ASSETS.rglob("*.js")), ids=lambda path: path.name)
def test_scripts_keep_to_what_the_policy_allows(path: Path) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
        r"|localStorage|cookie"
    )
    assert re.findall(forbidden, path.read_text("utf-8")) == []
