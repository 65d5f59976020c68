"""The test vectors of RFC 9380."""

import pytest

from commitments.bls12381 import BLS12381
from commitments.errors import FormatError
from commitments.hash_to_curve import _add, _map_to_curve, expand_message_xmd, hash_to_p256
from commitments.p256 import P256
from tests.zk.tiny_group import TINY, value_of

MESSAGES = [b"", b"abc", b"abcdef0123456789", b"q128_" + b"q" * 128, b"a512_" + b"a" * 512]
EXPANDER_DST = b"QUUX-V01-CS02-with-expander-SHA256-128"

SHORT = [  # K.1, 32 bytes
    "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235",
    "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615",
    "eff31487c770a893cfb36f912fbfcbff40d5661771ca4b2cb4eafe524333f5c1",
    "b23a1d2b4d97b2ef7785562a7e8bac7eed54ed6e97e29aa51bfe3f12ddad1ff9",
    "4623227bcc01293b8c130bf771da8c298dede7383243dc0993d2d94823958c4c",
]
LONG = [  # K.1, 128 bytes
    (
        "af84c27ccfd45d41914fdff5df25293e221afc53d8ad2ac06d5e3e29485dadbee0d121587713a3e0dd4d5e69e93eb7cd"
        "4f5df4cd103e188cf60cb02edc3edf18eda8576c412b18ffb658e3dd6ec849469b979d444cf7b26911a08e63cf31f9dc"
        "c541708d3491184472c2c29bb749d4286b004ceb5ee6b9a7fa5b646c993f0ced"
    ),
    (
        "abba86a6129e366fc877aab32fc4ffc70120d8996c88aee2fe4b32d6c7b6437a647e6c3163d40b76a73cf6a5674ef1d8"
        "90f95b664ee0afa5359a5c4e07985635bbecbac65d747d3d2da7ec2b8221b17b0ca9dc8a1ac1c07ea6a1e60583e2cb00"
        "058e77b7b72a298425cd1b941ad4ec65e8afc50303a22c0f99b0509b4c895f40"
    ),
    (
        "ef904a29bffc4cf9ee82832451c946ac3c8f8058ae97d8d629831a74c6572bd9ebd0df635cd1f208e2038e760c499498"
        "4ce73f0d55ea9f22af83ba4734569d4bc95e18350f740c07eef653cbb9f87910d833751825f0ebefa1abe5420bb52be1"
        "4cf489b37fe1a72f7de2d10be453b2c9d9eb20c7e3f6edc5a60629178d9478df"
    ),
    (
        "80be107d0884f0d881bb460322f0443d38bd222db8bd0b0a5312a6fedb49c1bbd88fd75d8b9a09486c60123dfa1d73c1"
        "cc3169761b17476d3c6b7cbbd727acd0e2c942f4dd96ae3da5de368d26b32286e32de7e5a8cb2949f866a0b80c58116b"
        "29fa7fabb3ea7d520ee603e0c25bcaf0b9a5e92ec6a1fe4e0391d1cdbce8c68a"
    ),
    (
        "546aff5444b5b79aa6148bd81728704c32decb73a3ba76e9e75885cad9def1d06d6792f8a7d12794e90efed817d96920"
        "d728896a4510864370c207f99bd4a608ea121700ef01ed879745ee3e4ceef777eda6d9e5e38b90c86ea6fb0b36504ba4"
        "a45d22e86f6db5dd43d98a294bebb9125d5b794e9d2a81181066eb954966a487"
    ),
]
P256_POINTS = [  # J.1.1
    (
        "2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4",
        "8a7a74985cc5c776cdfe4b1f19884970453912e9d31528c060be9ab5c43e8415",
    ),
    (
        "0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f",
        "5c41b3d0731a27a7b14bc0bf0ccded2d8751f83493404c84a88e71ffd424212e",
    ),
    (
        "65038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80",
        "cad44d40a656e7aff4002a8de287abc8ae0482b5ae825822bb870d6df9b56ca3",
    ),
    (
        "4be61ee205094282ba8a2042bcb48d88dfbb609301c49aa8b078533dc65a0b5d",
        "98f8df449a072c4721d241a3b1236d3caccba603f916ca680f4539d2bfb3c29e",
    ),
    (
        "457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5",
        "ecb9f0eadc9aeed232dabc53235368c1394c78de05dd96893eefa62b0f4757dc",
    ),
]
BLS12381_X = [  # J.9.1
    (
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4"
        "e8cf62d9c09db0fac349612b759e79a1"
    ),
    (
        "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3a"
        "ee664ba5379a7655d3c68900be2f6903"
    ),
    (
        "11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57"
        "a6a27200a784cbc248e84f357ce82d98"
    ),
    (
        "15f68eaa693b95ccb85215dc65fa81038d69629f70aeee0d0f677cf22285e7bf"
        "58d7cb86eefe8f2e9bc3f8cb84fac488"
    ),
    (
        "082aabae8b7dedb0e78aeb619ad3bfd9277a2f77ba7fad20ef6aabdc6c31d19b"
        "a5a6d12283553294c1825c4b3ca2dcfe"
    ),
]
SMALLER_Y = 0x80  # the flags of a compressed BLS12-381 point with the smaller y


@pytest.mark.parametrize(("length", "expected"), [(32, SHORT), (128, LONG)])
def test_expand_message_xmd(length: int, expected: list[str]) -> None:
    for message, uniform in zip(MESSAGES, expected, strict=True):
        assert expand_message_xmd(message, EXPANDER_DST, length).hex() == uniform


def test_expand_message_xmd_at_its_limits() -> None:
    longest = expand_message_xmd(b"", b"x" * 255, 255 * 32)
    assert len(longest) == 255 * 32
    for dst, length in [(b"x" * 256, 32), (b"x", 255 * 32 + 1)]:
        with pytest.raises(FormatError, match="range"):
            expand_message_xmd(b"", dst, length)
    assert expand_message_xmd(b"", b"x", 33)[:32] != expand_message_xmd(b"", b"x", 32)


@pytest.mark.parametrize("number", range(5))
def test_p256(number: int) -> None:
    dst = b"QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_"
    x, y = P256_POINTS[number]
    assert hash_to_p256(MESSAGES[number], dst) == tuple(
        int.from_bytes(bytes.fromhex(c)) for c in (x, y)
    )
    odd = bytes.fromhex(y)[-1] & 1
    point = P256.hash_to_curve(MESSAGES[number], dst)
    assert P256.encode(point).hex() == f"{2 + odd:02x}{x}"


P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


@pytest.mark.parametrize("u", [0, 1, 2, P - 1, P - 2])
def test_every_field_element_maps_to_the_curve(u: int) -> None:
    """0 is the exceptional case of 6.6.2; the sign of y is that of u."""
    x, y = _map_to_curve(u)
    assert (y * y - (x**3 - 3 * x + B)) % P == 0
    assert 0 <= x < P
    assert 0 < y < P
    assert y & 1 == u & 1


def test_points_that_hash_alike_or_opposite_are_added_rightly() -> None:
    point = _map_to_curve(1)
    opposite = (point[0], P - point[1])
    assert _add(point, opposite) is None
    doubled = _add(point, point)
    assert doubled is not None
    data, expected = (bytes([2 + (y & 1)]) + x.to_bytes(32, "big") for x, y in (point, doubled))
    assert P256.encode(P256.multiply(2, P256.decode(data))) == expected


def test_a_hash_that_is_the_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hash_to_p256(b"", b"DST")
    points = [_map_to_curve(1), _map_to_curve(P - 1)]
    assert points[0][0] == points[1][0]
    monkeypatch.setattr("commitments.hash_to_curve._map_to_curve", lambda _: points.pop())
    with pytest.raises(FormatError, match="identity"):
        hash_to_p256(b"", b"DST")


def test_bls12381() -> None:
    dst = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
    for message, x in zip(MESSAGES, BLS12381_X, strict=True):
        data = BLS12381.encode(BLS12381.hash_to_curve(message, dst))
        assert data[0] & SMALLER_Y
        assert bytes([data[0] & 0x1F]) + data[1:] == bytes.fromhex(x)


def test_hash_to_scalar_is_the_reduced_expansion() -> None:
    """docs/protocol.md 2: 48 bytes, read big-endian, mod q."""
    uniform = int.from_bytes(expand_message_xmd(b"text", b"DST", 48))
    for group in (P256, BLS12381, TINY):
        assert group.hash_to_scalar(b"text", "DST") == uniform % group.order
    assert 0 < value_of(TINY.hash_to_curve(b"text", b"DST")) < TINY.order
