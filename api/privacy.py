"""What the server's own logs must not say."""

import logging

__all__ = ["hide_queries"]

_ACCESS_LOG = "uvicorn.access"
_PATH = 2  # of the arguments client, method, path, HTTP version, status


class _WithoutQuery(logging.Filter):
    """Cuts the query from the path: the lane of a ring narrows a claim to its cell."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            arguments = list(record.args)
            arguments[_PATH] = str(arguments[_PATH]).partition("?")[0]
            record.args = tuple(arguments)
        return True


_FILTER = _WithoutQuery()


def hide_queries() -> None:
    """Keep query strings out of uvicorn's access log."""
    logging.getLogger(_ACCESS_LOG).addFilter(_FILTER)  # once, however often it is added
