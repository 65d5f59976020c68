"""Bulletproofs by zksnake, over BN254: four ranges of 32 bits, each alone and tied to nothing."""

from zksnake.subprotocol.bulletproofs import RangeProof, RangeProofObject

from benchmarks.peers.runners.protocol import serve

_DIFFERENCES = (20_400 - 20_135, 20_500 - 20_400, 123_456 - 10_000, 500_000 - 123_456)
_POINT = 32  # bytes; a proof begins with the commitment that it is about


class Zksnake:
    packages = ("zksnake",)

    def setup(self) -> int:
        self._ranges = RangeProof(32, "BN254")
        return 0

    def prove(self) -> list[bytes]:
        return [self._ranges.prove(value).to_bytes() for value in _DIFFERENCES]

    def size(self, proof: list[bytes]) -> int:
        return sum(map(len, proof))

    def verify(self, proof: list[bytes]) -> bool:
        return all(self._passes(data) for data in proof)

    def verify_false(self, proof: list[bytes]) -> bool:
        return self._passes(proof[1][:_POINT] + proof[0][_POINT:])  # of another commitment

    def _passes(self, proof: bytes) -> bool:
        return self._ranges.verify(RangeProofObject.from_bytes(proof))


if __name__ == "__main__":
    serve(Zksnake())
