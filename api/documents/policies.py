"""Policies."""

from api.documents.common import Count, Document
from policies.policy import Policy

__all__ = ["Policies", "PublishedPolicy"]


class PublishedPolicy(Document):
    """A policy, and where it stands in the event log."""

    index: Count
    policy: Policy


class Policies(Document):
    """All versions of all policies, in the order of their publication."""

    policies: list[Policy]
