"""Recalls and alerts."""

from api.documents.common import Count, Document
from policies.notice import Notice

__all__ = ["PublishedNotice"]


class PublishedNotice(Document):
    """A notice, and where it stands in the event log."""

    index: Count
    notice: Notice
