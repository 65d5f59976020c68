"""Three growths side by side as a picture (``kvitto bench-growth --plot FILE.png``)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth import Growth

__all__ = ["draw"]

_INK, _FAINT = "#1f2933", "#d9dee3"
_COLOURS = ("#1b6ca8", "#d1603d", "#3a8f5c", "#7a5195")  # told apart by the colour-blind, too
_MARKERS = ("o", "s", "^", "D")
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.5,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def draw(growths: Sequence[Growth], path: Path) -> None:
    """Write the picture: both axes logarithmic, so that a straight line is a power of the size."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        picture = Figure(figsize=(13.5, 5.4), layout=ConstrainedLayoutEngine(w_pad=0.12))
        for axes, growth in zip(picture.subplots(1, len(growths)), growths, strict=True):
            _draw_one(axes, growth)
        picture.savefig(path, dpi=144, metadata={"Software": None})


def _draw_one(axes: Any, growth: Growth) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 - as above

    axes.set(xscale="log", yscale="log", xlabel=growth.what, ylabel=growth.measured)
    axes.set_title(growth.title, loc="left", fontweight="bold")
    for (name, costs), colour, marker in zip(
        growth.costs.items(), _COLOURS, _MARKERS, strict=False
    ):
        dashed = "--" if name.startswith("bare") else "-"
        axes.plot(
            growth.sizes, costs, dashed, color=colour, marker=marker, markersize=4.5, label=name
        )
    axes.set_xticks(growth.sizes, [f"{size:,}" for size in growth.sizes], minor=False)
    axes.set_xticks([], minor=True)
    lowest, highest = (find(map(find, growth.costs.values())) for find in (min, max))
    axes.set_ylim(lowest / 1.4, highest * 1.4)
    steps = (1, 2, 5) if highest < 100 * lowest else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, which="major", color=_FAINT, linewidth=0.7)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(-0.02, -0.13), fontsize=9)
