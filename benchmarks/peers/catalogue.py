"""The peers: which runner, and what of a claim each can say and cannot."""

import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ANONCREDS", "ENVIRONMENTS", "GROTH16", "KVITTO", "KVITTO_ALONE", "PEERS", "Contestant"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_RUNNERS = _HERE / "runners"
_IMPORTS = (("PYTHONPATH", str(_ROOT)),)

ENVIRONMENTS = _ROOT / ".peers"
"""Where ``scripts/peers`` installs; a file NAME.why beside them says why one is missing."""


@dataclass(frozen=True)
class Contestant:
    """A runner: its command, the directory it runs in, and what its figures are figures of."""

    name: str
    says: str
    lacks: str
    trusted_setup: str
    command: tuple[str | Path, ...]
    directory: Path
    environment: tuple[tuple[str, str], ...] = ()
    batches: bool = False

    def absent(self) -> str | None:
        """Why it cannot be run, if that is known before it is started."""
        why = self.directory.with_name(f"{self.directory.name}.why")
        if why.exists():
            return f"not installed: {why.read_text('utf-8').strip()}"
        if not self.directory.exists():
            return "not installed: see scripts/peers"
        return None


def _kvitto(name: str, ring: int) -> Contestant:
    return Contestant(
        name=name,
        says="all",
        lacks="",
        trusted_setup="no",
        command=(sys.executable, _RUNNERS / "with_kvitto.py", str(ring)),
        directory=_ROOT,
        environment=_IMPORTS,
        batches=True,
    )


def _python(tool: str, name: str, *, says: str, lacks: str, trusted_setup: str) -> Contestant:
    directory = ENVIRONMENTS / tool
    command = (directory / "bin" / "python", _RUNNERS / f"with_{tool}.py")
    return Contestant(name, says, lacks, trusted_setup, command, directory, _IMPORTS)


def _node(tool: str, name: str, *, says: str, lacks: str, trusted_setup: str) -> Contestant:
    directory = ENVIRONMENTS / tool
    modules = (("NODE_PATH", str(directory / "node_modules")),)
    command = ("node", _RUNNERS / f"with_{tool}.cjs")
    return Contestant(name, says, lacks, trusted_setup, command, directory, modules)


KVITTO = _kvitto("Kvitto, ring 1,024", 1024)
KVITTO_ALONE = _kvitto("Kvitto, ring 1", 1)

ANONCREDS = _python(
    "anoncreds",
    "AnonCreds",
    says="four bounds, product and currency, of a purchase that its issuer signed",
    lacks="a public log; tags, so that it can be claimed any number of times",
    trusted_setup="no",
)
GROTH16 = _python(
    "groth16py",
    "Groth16 (groth16py)",
    says="all, in a tree of 1,024",
    lacks="a log of Pedersen commitments: it would hold Poseidon hashes, and a tree of them",
    trusted_setup="for each circuit",
)

PEERS = (
    ANONCREDS,
    GROTH16,
    _python(
        "zksk",
        "zksk",
        says="all, ring of 1,024",
        lacks="nothing, but its proofs grow with the ring",
        trusted_setup="no",
    ),
    _python(
        "pybulletproofs",
        "Bulletproofs (pybulletproofs)",
        says="four ranges of 32 bits",
        lacks="that they are about one purchase, or about any; product, membership, tags",
        trusted_setup="no",
    ),
    _python(
        "zksnake",
        "Bulletproofs (zksnake)",
        says="four ranges of 32 bits",
        lacks="that they are about one purchase, or about any; product, membership, tags",
        trusted_setup="no",
    ),
    _node(
        "semaphore",
        "Semaphore",
        says="membership in a tree of depth 20, one tag",
        lacks="anything about the member: no bounds, no product",
        trusted_setup="theirs, by ceremony",
    ),
    _node(
        "snarkjs",
        "Groth16 (snarkjs)",
        says="all, in a tree of depth 20",
        lacks="a log of Pedersen commitments: it would hold Poseidon hashes, and a tree of them",
        trusted_setup="for each circuit",
    ),
    _node(
        "dock",
        "Dock (BBS, Bulletproofs++)",
        says="four bounds, product and currency, of a purchase that its issuer signed; one tag",
        lacks="a public log",
        trusted_setup="no",
    ),
)
