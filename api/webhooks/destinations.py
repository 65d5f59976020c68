"""Where webhooks may go: a merchant names the address, which must not lead to the inside.

An address is read here in one spelling, so that no two programs disagree about its host. What a
name resolves to is judged when it is connected to (:mod:`api.webhooks.sending`): an answer of the
DNS from before may have changed.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from commitments.errors import FormatError, Refused
from commitments.wire import parse_decimal

__all__ = ["PUBLIC", "Address", "Destinations", "Network", "Target", "is_public"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 500  # characters
_LONGEST_NAME = 253  # RFC 1035, 2.3.4
_PORTS = {"https": 443, "http": 80}
_USER_PORTS = range(1024, 1 << 16)  # RFC 6335, 6; those below are other services'
# RFC 3986, 3.3 and 3.4; an encoded control character, which some receivers decode, is not taken.
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%(?![01]|7F)[0-9A-F]{2})"
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]+))?"
    rf"(?P<path>(?:/{_CHARACTER}*)?(?:\?(?:{_CHARACTER}|\?)*)?)",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# As the WHATWG URL standard's ends-in-a-number checker: some programs read such a host as IPv4.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

# The IANA registries of special-purpose addresses; also what is reachable but no web server's.
_SPECIAL_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # CGNAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
]
# All that is global unicast. Outside of it: loopback, IPv4-mapped, NAT64 (64:ff9b::), unique local,
# link-local and multicast.
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: the IPv4 address inside could be any
        "3fff::/20",
    )
]


def is_public(address: Address) -> bool:
    """Whether it is an address that anybody's web server could have."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return (
        address.scope_id is None
        and address in _GLOBAL_V6
        and not any(address in network for network in _SPECIAL_V6)
    )


@dataclass(frozen=True)
class Target:
    """A URL in its parts; ``host`` without brackets, ``path`` with the query.

    ``address`` is there where the host is one.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """What the Host header says (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def at(self, address: Address) -> str:
        """The URL with an address in the place of the name."""
        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path or '/'}"


@dataclass(frozen=True)
class Destinations:
    """What the operator allows.

    Public addresses always, others if they are in ``networks``; TLS always, plain ``http`` if so.
    """

    networks: tuple[Network, ...] = ()
    http: bool = False

    def target(self, url: str) -> Target:
        """The parts of a URL; ``FormatError`` for another spelling, ``Refused`` if not allowed."""
        match = _URL.fullmatch(url) if len(url) <= _LONGEST else None
        if match is None:
            raise FormatError(
                f"not a URL as https://shop.example/hooks: host in small letters, no user, no"
                f" fragment, no control characters, at most {_LONGEST} characters",
                "url",
            )
        scheme, port = match["scheme"], _port(match["scheme"], match["port"])
        host, address = _host(match["host"])
        if scheme == "http" and not self.http:
            raise Refused("forbidden-address", "only https is allowed here", "url")
        if address is not None and not self.allows(address):
            raise Refused("forbidden-address", "not a public address", "url")
        return Target(scheme, host, port, match["path"], address)

    def allows(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        return is_public(address) or any(address in network for network in self.networks)


PUBLIC = Destinations()
"""Public addresses over TLS."""


def _port(scheme: str, given: str | None) -> int:
    port = _PORTS[scheme] if given is None else parse_decimal(given, "url")
    if port != _PORTS[scheme] and port not in _USER_PORTS:
        raise Refused("forbidden-address", f"the port is neither {_PORTS[scheme]} nor high", "url")
    return port


def _host(host: str) -> tuple[str, Address | None]:
    """The host, and the address that it is; one spelling for each."""
    try:
        if host.startswith("["):
            address: Address = IPv6Address(host[1:-1])
            if str(address) != host[1:-1]:
                raise FormatError("not the shortest spelling of an IPv6 address", "url")
            return str(address), address
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            address = IPv4Address(host)  # four decimal numbers without leading zeros
            return host, address
    except ValueError:
        raise FormatError("not an address of four decimal numbers, or of IPv6", "url") from None
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise FormatError("not the name of a host", "url")
    return host, None
