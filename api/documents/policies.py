"""Policies."""

from typing import Literal

from pydantic import Field

from api.documents.common import Count, Day, Document, Moment
from policies.policy import Policy
from policies.versions import Ending, Version

__all__ = [
    "Explanation",
    "Policies",
    "PolicyEnding",
    "PolicyVersion",
    "PublishedPolicy",
    "Withdrawal",
    "WithdrawnPolicy",
    "version_document",
]


class PublishedPolicy(Document):
    """A policy, and where it stands in the event log."""

    index: Count
    policy: Policy


class PolicyEnding(Document):
    """What ended a version for purchases of the day `from` and later."""

    kind: Literal["superseded", "withdrawn"]
    time: Moment
    from_: Day = Field(alias="from")
    by: int | None = Field(description="The version that superseded it.")


class PolicyVersion(Document):
    """A version of a policy, and what the event log says of it."""

    policy: Policy
    published: Moment
    ends: Day | None = Field(description="The first day whose purchases it does not cover.")
    endings: list[PolicyEnding] = Field(description="In the order of the log; the earliest counts.")


class Policies(Document):
    """All versions of all policies, in the order of their publication."""

    policies: list[PolicyVersion]


class Explanation(Document):
    """A version of a policy in plain words."""

    sentences: list[str] = Field(description="All that it says, in the order in which people ask.")


class Withdrawal(Document):
    """When to end a version of a policy."""

    from_: Day = Field(
        alias="from",
        description="The first day whose purchases it does not cover: tomorrow (UTC) or later.",
    )


class WithdrawnPolicy(Document):
    """The end of a version, and where it stands in the event log."""

    index: Count
    policy: str
    version: int
    from_: Day = Field(alias="from")


def version_document(version: Version) -> dict[str, object]:
    """A :class:`PolicyVersion`."""
    return {
        "policy": version.policy.document(),
        "published": version.published,
        "ends": version.end and version.end.isoformat(),
        "endings": [*map(_ending, version.endings)],
    }


def _ending(ending: Ending) -> dict[str, object]:
    return {
        "kind": "withdrawn" if ending.by is None else "superseded",
        "time": ending.time,
        "from": ending.first.isoformat(),
        "by": ending.by,
    }
