"""Which content codings a client wants (RFC 9110, 12.5.3)."""

import re

from starlette.datastructures import Headers

__all__ = ["accepts_gzip"]

_REFUSED = re.compile(r"q=0(?:\.0{0,3})?")


def accepts_gzip(headers: Headers) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and not with a weight of zero."""
    for coding in ",".join(headers.getlist("Accept-Encoding")).lower().split(","):
        name, *parameters = (part.strip() for part in coding.split(";"))
        if name == "gzip":
            return not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return False
