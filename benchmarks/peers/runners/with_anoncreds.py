"""AnonCreds: a signed credential with the purchase's attributes, and predicates over them."""

import json

from anoncreds import (
    Credential,
    CredentialDefinition,
    CredentialOffer,
    CredentialRequest,
    Presentation,
    PresentationRequest,
    PresentCredentials,
    Schema,
    create_link_secret,
    generate_nonce,
)

from benchmarks.peers.runners.protocol import serve

_ISSUER = "did:example:acme"
_SCHEMA, _DEFINITION = f"{_ISSUER}/schema", f"{_ISSUER}/definition"
_PURCHASE = {"product": "4006381333931", "currency": "978", "date": "20400", "price": "123456"}
_NAMES = {">=": "GE", "<=": "LE"}
Bounds = tuple[tuple[str, str, int], ...]
_BOUNDS: Bounds = (
    ("date", ">=", 20_135),
    ("date", "<=", 20_500),
    ("price", ">=", 10_000),
    ("price", "<=", 500_000),
)


class AnonCreds:
    packages = ("anoncreds",)

    def setup(self) -> int:
        self._schema = Schema.create("purchase", "1.0", _ISSUER, list(_PURCHASE))
        self._definition, private, correctness = CredentialDefinition.create(
            _SCHEMA, self._schema, _ISSUER, "tag", "CL", support_revocation=False
        )
        self._secret = create_link_secret()
        offer = CredentialOffer.create(_SCHEMA, _DEFINITION, correctness)
        request, metadata = CredentialRequest.create(
            "entropy", None, self._definition, self._secret, "secret", offer
        )
        credential = Credential.create(self._definition, private, offer, request, _PURCHASE)
        self._credential = credential.process(metadata, self._secret, self._definition)
        self._asked = _request()
        return len(self._definition.to_json())

    def prove(self) -> str:
        chosen = PresentCredentials()
        for name in ("product", "currency"):
            chosen.add_attributes(self._credential, name, reveal=True)
        for number in range(len(_BOUNDS)):
            chosen.add_predicates(self._credential, f"bound {number}")
        presentation = Presentation.create(
            self._asked,
            chosen,
            {},
            self._secret,
            {_SCHEMA: self._schema},
            {_DEFINITION: self._definition},
        )
        return presentation.to_json()

    def size(self, proof: str) -> int:
        return len(proof.encode())

    def verify(self, proof: str) -> bool:
        return self._passes(proof, _BOUNDS)

    def verify_false(self, proof: str) -> bool:
        return self._passes(proof, (*_BOUNDS[:3], ("price", "<=", 499_999)))

    def _passes(self, proof: str, bounds: Bounds) -> bool:
        # The library takes bounds and values from the presentation, not from what was asked.
        document = json.loads(proof)
        proved = document["proof"]["proofs"][0]["primary_proof"]["ge_proofs"]
        if {tuple(one["predicate"].values()) for one in proved} != {
            (name, _NAMES[comparison], value) for name, comparison, value in bounds
        }:
            return False
        shown = document["requested_proof"]["revealed_attrs"]
        if any(shown[name]["raw"] != _PURCHASE[name] for name in ("product", "currency")):
            return False
        return Presentation.load(proof).verify(
            self._asked, {_SCHEMA: self._schema}, {_DEFINITION: self._definition}
        )


def _request() -> PresentationRequest:
    from_acme = [{"cred_def_id": _DEFINITION}]
    return PresentationRequest.load(
        {
            "name": "warranty",
            "version": "1.0",
            "nonce": generate_nonce(),
            "requested_attributes": {
                name: {"name": name, "restrictions": from_acme} for name in ("product", "currency")
            },
            "requested_predicates": {
                f"bound {number}": {
                    "name": name,
                    "p_type": comparison,
                    "p_value": value,
                    "restrictions": from_acme,
                }
                for number, (name, comparison, value) in enumerate(_BOUNDS)
            },
        }
    )


if __name__ == "__main__":
    serve(AnonCreds())
