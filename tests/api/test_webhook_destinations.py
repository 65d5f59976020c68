"""Whatever a merchant writes as a URL, it leads to a public web server or nowhere."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhooks.destinations import PUBLIC, Destinations, is_public
from commitments.errors import FormatError, Refused

OPEN = Destinations((ip_network("0.0.0.0/0"), ip_network("::/0")), http=True)
"""All that an operator can allow: what is refused here is refused for its spelling."""


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://shop.example", "shop.example", ""),
        ("https://shop.example/", "shop.example", "/"),
        ("https://shop.example:8443/hooks?key=a%20b&c", "shop.example:8443", "/hooks?key=a%20b&c"),
        ("https://xn--bcher-kva.example/a/b~c", "xn--bcher-kva.example", "/a/b~c"),
        ("https://93.184.215.14/hooks", "93.184.215.14", "/hooks"),
        ("https://[2606:2800:21f::1]/hooks", "[2606:2800:21f::1]", "/hooks"),
        ("https://shop.example:443/hooks", "shop.example", "/hooks"),
        ("https://shop.example?a=/?b", "shop.example", "?a=/?b"),
    ],
)
def test_where_a_webhook_may_go(url: str, authority: str, path: str) -> None:
    target = PUBLIC.target(url)
    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "shop.example", "//shop.example/", "ftp://shop.example/", "file:///etc/passwd"),
        *("HTTPS://shop.example/", "https:shop.example", "https:/shop.example", "https:///x"),
        *("https://Shop.example/", "https://shop.example./", "https://.shop.example/"),
        *("https://-shop.example/", "https://shop..example/", "https://shop_.example/"),
        *("https://" + "a" * 64 + ".example/", "https://" + "a." * 127 + "example/"),
        "https://shop.example/" + "a" * 500,
    ],
)
def test_what_is_no_url_in_the_one_spelling(url: str) -> None:
    with pytest.raises(FormatError) as refused:
        OPEN.target(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    "url",
    [
        *("https://user@shop.example/", "https://user:secret@shop.example/"),
        *(
            "https://shop.example@169.254.169.254/",
            "https://shop.example/#x",
            "https://shop.example#@x/",
        ),
        *(
            "https://shop.example\\@169.254.169.254/",
            "https://shop.example/\\..",
            "https://shop%2eexample/",
        ),
        *(
            "https://shop.example/\r\nX-Injected: 1",
            "https://shop.example\r\nHost: x/",
            "https://shop.example/a\n",
        ),
        *(
            "https://shop.example/%0d%0aX-Injected:1",
            "https://shop.example/%0D%0AX:1",
            "https://shop.example/%00",
        ),
        *(
            "https://shop.example/?q=%0A",
            "https://shop.example/\x00",
            "https://shop.example/\x7f",
            "https://shop.example/%7F",
        ),
        *(
            "https://shop.example/ü",
            "https://shöp.example/",
            "https://shop.example/a b",
            "https://shop.example/%zz",
        ),
        *(
            "https://shop.example/\u2028",
            "https://shop。example/",
            "https://①②⑦.0.0.1/",
            " https://shop.example/",
        ),
    ],
)
def test_header_injection_and_another_host_by_the_url(url: str) -> None:
    with pytest.raises(FormatError):
        OPEN.target(url)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "2130706433",
            "017700000001",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
        ),
        *(
            "127.0.0.01",
            "127.0.0.1.",
            "1.2.3.256",
            "1.2.3.4.5",
            "4294967295",
            "0",
            "0x",
            "shop.0x7f",
        ),
        *(
            "[::1%eth0]",
            "[fe80::1%25eth0]",
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[::1",
            "::1",
            "[1]",
            "[]",
        ),
        *("[::ffff:127.0.0.1", "[v1.x]", "[2606:2800:021f::1]", "[FE80::1]"),
    ],
)
def test_an_address_in_another_spelling(host: str) -> None:
    with pytest.raises(FormatError):
        OPEN.target(f"https://{host}/")


PRIVATE = [
    *(
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
    ),
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *(
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ),
    *("192.88.99.1", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::127.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b::93.184.215.14", "64:ff9b:1::1", "100::1", "2001:db8::1"),
    *("2001::1", "2001:2::1", "2001:20::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1"),
]
NEIGHBOURS = [
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"),
    *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2606:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2003::1", "2a00::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    parsed = ip_address(address)
    assert not is_public(parsed)
    host = f"[{parsed}]" if parsed.version == 6 else str(parsed)
    url = f"https://{host}/"
    if "." not in host or parsed.version == 4:  # newer Pythons spell mapped addresses with dots
        with pytest.raises(Refused) as refused:
            PUBLIC.target(url)
        assert refused.value.code == "forbidden-address"
        assert OPEN.target(url).address == parsed


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_the_public_neighbours_of_those(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_address_with_a_zone_is_of_this_machine() -> None:
    assert not is_public(ip_address("2606:4700::1111%eth0"))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: object) -> None:
    parsed = ip_address(str(address))
    assert parsed.is_global or not is_public(parsed)


def test_the_operators_networks_are_those_and_no_others() -> None:
    inside = Destinations((ip_network("10.1.0.0/16"), ip_network("fd00::/8")))
    assert inside.target("https://10.1.2.3/").address == ip_address("10.1.2.3")
    assert inside.target("https://[fd12::1]/").address == ip_address("fd12::1")
    for other in ("10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "169.254.169.254"):
        assert not inside.allows(ip_address(other))
    assert inside.allows(ip_address("93.184.215.14"))


@pytest.mark.parametrize("port", ["22", "25", "80", "1023", "0"])
def test_a_port_of_another_service(port: str) -> None:
    assert PUBLIC.target("https://shop.example:1024/").port == 1024
    with pytest.raises(Refused, match="port"):
        PUBLIC.target(f"https://shop.example:{port}/")


@pytest.mark.parametrize(
    "port", ["", "0443", "+443", "4_43", "65536", "99999999999999999999999", "443:443", "٤٤٣"]
)
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises((FormatError, Refused)):
        PUBLIC.target(f"https://shop.example:{port}/")


def test_plain_http_only_where_the_operator_allows_it() -> None:
    assert Destinations(http=True).target("http://shop.example/").port == 80
    with pytest.raises(Refused, match="https"):
        PUBLIC.target("http://shop.example/")
