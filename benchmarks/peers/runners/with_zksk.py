"""zksk: sigma protocols over P-256. The whole statement, with an OR-proof of 1,024 branches."""

from petlib.bn import Bn
from petlib.ec import EcGroup, EcPt
from zksk import DLRep, Secret
from zksk.base import NIZK
from zksk.composition import AndProofStmt, OrProofStmt
from zksk.primitives.rangeproof import RangeStmt

from benchmarks.peers.runners.protocol import serve

_RING = 1024
_PRODUCT, _DATE, _PRICE, _CURRENCY = map(Bn, (0x12345678, 20_400, 123_456, 978))
_DAYS = (20_135, 20_501)  # the upper end is not in the range
_PRICES = (10_000, 500_001)

_GROUP = EcGroup(415)  # P-256
_G = {
    name: _GROUP.hash_to_point(name.encode())
    for name in ("product", "date", "price", "currency", "serial", "secret", "blinding")
}
_SCOPE = [_GROUP.hash_to_point(f"scope {kind}".encode()) for kind in ("serial", "secret")]


class Zksk:
    packages = ("zksk-fork", "petlib-fork")

    def setup(self) -> int:
        self._keys = [_random() for _ in range(3)]  # serial, secret, blinding
        self._ring = [_commit(*self._keys), *(_random() * _GROUP.generator() for _ in range(1023))]
        return sum(len(point.export()) for point in self._ring)

    def prove(self) -> tuple[list[bytes], bytes]:
        serial, secret, blinding = self._keys
        again, of_date, of_price = _random(), _random(), _random()
        points = [
            self._ring[0] + again * _G["blinding"],
            _DATE * _G["date"] + of_date * _G["blinding"],
            _PRICE * _G["price"] + of_price * _G["blinding"],
            serial * _SCOPE[0],
            secret * _SCOPE[1],
        ]
        values = (_DATE, _PRICE, serial, secret, blinding + again, of_date, of_price, again)
        statement = self._statement(points, _PRICES, values)
        return [point.export() for point in points], statement.prove().serialize()

    def size(self, proof: tuple[list[bytes], bytes]) -> int:
        return sum(map(len, proof[0])) + len(proof[1])

    def verify(self, proof: tuple[list[bytes], bytes]) -> bool:
        return self._passes(proof, _PRICES)

    def verify_false(self, proof: tuple[list[bytes], bytes]) -> bool:
        return self._passes(proof, (_PRICES[0], _PRICES[1] - 1))

    def _passes(self, proof: tuple[list[bytes], bytes], prices: tuple[int, int]) -> bool:
        points = [EcPt.from_binary(data, _GROUP) for data in proof[0]]
        return self._statement(points, prices, (None,) * 8).verify(NIZK.deserialize(proof[1]))

    def _statement(
        self, points: list[EcPt], prices: tuple[int, int], values: tuple[Bn | None, ...]
    ) -> AndProofStmt:
        hidden, days, price, *tags = points
        date_, price_, serial, secret, blinding, of_date, of_price, again = map(_secret, values)
        branches = [DLRep(hidden - member, again * _G["blinding"]) for member in self._ring]
        for branch in branches[1:]:
            branch.set_simulated()
        return AndProofStmt(
            OrProofStmt(*branches),
            DLRep(
                hidden - _PRODUCT * _G["product"] - _CURRENCY * _G["currency"],
                date_ * _G["date"]
                + price_ * _G["price"]
                + serial * _G["serial"]
                + secret * _G["secret"]
                + blinding * _G["blinding"],
            ),
            RangeStmt(days, _G["date"], _G["blinding"], *_DAYS, date_, of_date),
            RangeStmt(price, _G["price"], _G["blinding"], *prices, price_, of_price),
            DLRep(tags[0], serial * _SCOPE[0]),
            DLRep(tags[1], secret * _SCOPE[1]),
        )


def _secret(value: Bn | None) -> Secret:
    return Secret(value=value)


def _random() -> Bn:
    return _GROUP.order().random()


def _commit(serial: Bn, secret: Bn, blinding: Bn) -> EcPt:
    values = [_PRODUCT, _DATE, _PRICE, _CURRENCY, serial, secret, blinding]
    return _GROUP.wsum(values, list(_G.values()))


if __name__ == "__main__":
    serve(Zksk())
