"""Generators with nothing up the sleeve: hashes of their own names (docs/protocol.md 2).

Nobody knows a discrete-logarithm relation among them, which is what makes the commitments
binding. The generator of committed values is the group's base point itself.
"""

from functools import cache

from commitments.domain import generator_dst
from commitments.group import Group, Point

__all__ = ["attribute_generator", "blinding_generator", "generator", "numbered_generators"]


@cache
def generator(group: Group, label: str) -> Point:
    """``gen(label)`` of docs/protocol.md 2; one point object per group and label."""
    return group.hash_to_curve(label.encode("ascii"), generator_dst(group))


def blinding_generator(group: Group) -> Point:
    """``H``, the generator that carries blinding factors."""
    return generator(group, "blinding")


def attribute_generator(group: Group, name: str) -> Point:
    """The generator of an attribute (``product`` …) or of a key (``serial``, ``secret``)."""
    return generator(group, f"attribute/{name}")


@cache
def numbered_generators(group: Group, family: str, count: int) -> tuple[Point, ...]:
    """The first ``count`` of ``range/g``, ``range/h`` or ``one-out-of-many``."""
    return tuple(generator(group, f"{family}/{i}") for i in range(count))
