"""The tables of a database, brought up to date by migrations (Alembic) and compared with the rooms.

Migrations are the only way in which tables are made.
"""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from commitments.errors import KvittoError
from ledger.engines import lock_schema, missing_refusals, refusals
from ledger.revisions import MIGRATIONS, is_current, revision_of
from ledger.schema import metadata
from ledger.sealing import SealingKey

__all__ = ["WrongSchema", "check_schema", "upgrade"]


class WrongSchema(KvittoError):  # noqa: N818 - the name is the condition
    """The database has not the tables that this version of the program works with."""


def upgrade(connection: Connection, sealing: SealingKey | None) -> None:
    """Run the migrations that are missing, in the transaction of ``connection``.

    Afterwards the triggers by which a log only grows are those of this version: to change them,
    add a migration, even one that does nothing else.

    ``sealing`` seals private keys that an earlier version has stored as they are; ``NoSealingKey``
    when there are such keys and there is none. :class:`WrongSchema` for a database of a newer
    version, or of one without migrations.
    """
    lock_schema(connection)
    config = _config()
    revision = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise WrongSchema("the database is of a newer version of this program")
    if revision is None and inspect(connection).has_table("logs"):
        raise WrongSchema("the database is of a version that had no migrations yet")
    config.attributes["connection"] = connection
    config.attributes["sealing"] = sealing
    command.upgrade(config, "head")
    for statement in refusals(connection):
        connection.execute(text(statement))


def check_schema(connection: Connection) -> None:
    """Compare the tables and triggers with those that the imported rooms define.

    :class:`WrongSchema` says what differs.
    """
    if not is_current(connection):
        raise WrongSchema("migrations are missing; kvitto db upgrade runs them")
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences = [_named(difference) for difference in compare_metadata(context, metadata)]
    differences += [f"trigger {name}" for name in sorted(missing_refusals(connection))]
    if differences:
        raise WrongSchema(f"not as defined: {', '.join(differences)}")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _named(difference: Any) -> str:
    """What a difference is about; a change of a column comes as a list of one."""
    kind, *rest = difference[0] if isinstance(difference, list) else difference
    names = [getattr(part, "name", part) for part in rest]
    return " ".join([kind, *(name for name in names if isinstance(name, str))])
