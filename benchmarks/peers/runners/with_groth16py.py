"""Groth16 by groth16py: the whole statement in a circuit, among 1,024 purchases."""

import ast
import secrets
import tempfile
from functools import cache
from operator import mul
from pathlib import Path
from typing import Any

import groth16py

from benchmarks.peers.runners.protocol import serve

_CIRCUIT = Path(__file__).parents[1] / "circuits" / "claim_10.circom"
_DEPTH = 10
_FULL_ROUNDS = 8
_FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class Groth16:
    packages = ("groth16py",)

    def setup(self) -> int:
        product, date, price, currency = 0x1234567890ABCDEF, 20_400, 123_456, 978
        serial, secret, scope, context = (_random() for _ in range(4))
        # The purchase is the first. What the others are costs a proof nothing.
        siblings = [_random() for _ in range(_DEPTH)]
        root = _hash([product, date, price, currency, serial, secret])
        for sibling in siblings:
            root = _hash([root, sibling])
        tags = [_hash([serial, scope]), _hash([secret, scope])]
        derived = {
            "root": root,
            "product": product,
            "currency": currency,
            "oldest": 20_135,
            "newest": 20_500,
            "cheapest": 10_000,
            "dearest": 500_000,
            "scope": scope,
            "context": context,
        }
        hidden = {"date": date, "price": price, "serial": serial, "secret": secret}
        path = {"siblings": siblings, "right": [0] * _DEPTH}
        self._inputs = {**derived, "tags": tags, **hidden, **path}
        self._public = [*derived.values(), *tags]  # in the order of the circuit
        self._false = [*{**derived, "dearest": 499_999}.values(), *tags]
        self._key, verifying_key = groth16py.setup_circom(
            str(_CIRCUIT), [groth16py.circomlib_path(2)]
        )
        self._verifier = groth16py.Verifier(verifying_key)
        with tempfile.NamedTemporaryFile() as file:
            self._key.save(file.name)
            return Path(file.name).stat().st_size

    def prove(self) -> bytes:
        return groth16py.prove(self._key, self._inputs)

    def size(self, proof: bytes) -> int:
        return len(proof)

    def verify(self, proof: bytes) -> bool:
        return self._verifier.verify(proof, self._public)

    def verify_false(self, proof: bytes) -> bool:
        return self._verifier.verify(proof, self._false)


def _random() -> int:
    return secrets.randbelow(_FIELD)


def _hash(values: list[int]) -> int:
    """Poseidon, with the constants that come with the compiler's library."""
    t = len(values) + 1
    constants, matrix = _constants("C", t), _constants("M", t)
    rounds = len(constants) // t
    state = [0, *values]
    for i in range(rounds):
        state = [value + constants[i * t + j] for j, value in enumerate(state)]
        full = i < _FULL_ROUNDS // 2 or i >= rounds - _FULL_ROUNDS // 2
        powers = [
            pow(value, 5, _FIELD) if full or j == 0 else value for j, value in enumerate(state)
        ]
        state = [sum(map(mul, row, powers)) % _FIELD for row in matrix]
    return state[0]


@cache
def _constants(name: str, t: int) -> list[Any]:
    text = Path(groth16py.circomlib_path(2), "poseidon_constants_old.circom").read_text("utf-8")
    after = text[text.index(f"function POSEIDON_{name}(") :]
    after = after[after.index(f"(t == {t})") :]
    return ast.literal_eval(after[after.index("[") : after.index(";")].strip())


if __name__ == "__main__":
    serve(Groth16())
