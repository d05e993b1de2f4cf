"""Bringing a database to the schema of this version."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from countermand.ledger.engine import LedgerError

#: Alembic keeps the migration that runs in module globals, so two threads must not migrate at once.
_ONE_AT_A_TIME = threading.Lock()
_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> str:
    """Run every migration that this database lacks; returns the revision it is at now.

    Raises:
        LedgerError: a newer version of the program made it.
    """
    with _ONE_AT_A_TIME, engine.execution_options(writing=True).begin() as connection:
        _refuse_newer(connection)
        command.upgrade(_config(connection), "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def assert_current(engine: Engine) -> None:
    """Refuse a database of another schema version.

    Raises:
        LedgerError: with what to run.
    """
    with engine.begin() as connection:
        found = _refuse_newer(connection)
        wanted = ScriptDirectory.from_config(_config(connection)).get_current_head()
    if found != wanted:
        raise LedgerError(
            f"The database is at schema {found or 'none'}, this version needs {wanted}: "
            "run `countermand db upgrade`."
        )


def assert_not_newer(engine: Engine) -> None:
    """Refuse a database of a schema that this version does not know.

    Raises:
        LedgerError: with what to do.
    """
    with engine.begin() as connection:
        _refuse_newer(connection)


def _refuse_newer(connection: Connection) -> str | None:
    """The revision that a database is at, if this version knows it."""
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config(connection))
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise LedgerError(
            f"The database is at schema {found}, which this version does not know: a newer version of "
            "Countermand made it. Install that version, or put back a backup from before it."
        )
    return found
