"""What the service is told when it starts."""

from dataclasses import dataclass, field

from api.options import Options
from commitments.clock import Clock, system_clock
from commitments.errors import FormatError
from commitments.group import Group
from commitments.p256 import P256
from commitments.sandbox import is_sandbox
from ledger.quorum import Witness
from ledger.sealing import SealingKey
from ledger.witness_client import RemoteSeedWitness

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The settings of one service.

    ``service_name`` begins every origin (``ledger.example`` in ``ledger.example/acme``) and can
    never change; ``database`` is a URL such as ``sqlite:////srv/kvitto.db``; who has
    ``operator_key`` can create merchants; ``sealing`` keeps the logs' private keys secret in the
    database; ``witnesses`` are asked to cosign every log, as far as they have an address. New logs
    declare ``seed_witnesses``, who must sign each of their closes. ``options`` are what an operator
    may choose differently at each start.
    """

    service_name: str
    database: str = field(repr=False)  # the URL of a database server has its password
    operator_key: str = field(repr=False)
    sealing: SealingKey
    clock: Clock = system_clock
    group: Group = P256
    witnesses: tuple[Witness, ...] = ()
    seed_witnesses: tuple[RemoteSeedWitness, ...] = ()
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        """``FormatError`` for a name under which every merchant would seem to be a sandbox."""
        if is_sandbox(self.origin("")):
            raise FormatError("/test/ is for sandboxes", "name")

    def origin(self, merchant_id: str) -> str:
        """The origin of a merchant's purchase log."""
        return f"{self.service_name}/{merchant_id}"
