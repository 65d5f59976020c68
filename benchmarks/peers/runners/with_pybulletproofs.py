"""Bulletproofs by dalek, bound by pybulletproofs: four ranges of 32 bits, each tied to nothing."""

from pybulletproofs import zkrp_prove, zkrp_verify

from benchmarks.peers.runners.protocol import serve

_DIFFERENCES = (20_400 - 20_135, 20_500 - 20_400, 123_456 - 10_000, 500_000 - 123_456)
_BITS = 32

Proof = list[tuple[bytes, bytes]]


class Pybulletproofs:
    packages = ("pybulletproofs",)

    def setup(self) -> int:
        return 0

    def prove(self) -> Proof:
        made = (zkrp_prove(value, _BITS) for value in _DIFFERENCES)
        return [(bytes(proof), bytes(commitment)) for proof, commitment, _ in made]

    def size(self, proof: Proof) -> int:
        return sum(len(part) for pair in proof for part in pair)

    def verify(self, proof: Proof) -> bool:
        return all(zkrp_verify(*pair, _BITS) for pair in proof)

    def verify_false(self, proof: Proof) -> bool:
        return zkrp_verify(proof[0][0], proof[1][1], _BITS)  # of another commitment


if __name__ == "__main__":
    serve(Pybulletproofs())
