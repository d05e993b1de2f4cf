"""From `countermand.toml` to an `Installation`: everything is checked before anything is used."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from countermand.app import ConnectionSettings, Installation
from countermand.config.connections import read_connection, refuse_confusion
from countermand.config.destinations import read_destinations
from countermand.config.document import Document, dotted
from countermand.config.model import Server, SetUp
from countermand.config.problems import nearest, shown
from countermand.config.sign_in import read_sign_in
from countermand.config.specs import INFIGO, PRINTIQ, SERVER, Spec
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings

_SECTIONS = ("countermand", "sign_in", "tell", "infigo", "printiq", "connections")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def load(file: Path, environ: Mapping[str, str] = os.environ, *, secrets: bool = True) -> SetUp:
    """Read a set-up file, and the secrets from where it says they are.

    `secrets`: false for whoever talks to no vendor. Their secrets are then not looked for, and with what
    stands in their place nobody gets in anywhere. The address of the database is read all the same.

    Raises:
        SetUpError: with every problem that was found.
    """
    document = Document(file.absolute(), environ, secrets=secrets)
    for name in document.values:
        if name not in _SECTIONS:
            document.wrong((name,), f"there is no section [{name}]{nearest(name, _SECTIONS)}")
    server = _server(document)
    sign_in = read_sign_in(document, document.values.get("sign_in", {}))
    destinations = read_destinations(document, _named(document, "tell"))
    storefronts = _systems(document, "infigo", InfigoSettings, INFIGO)
    mises = _systems(document, "printiq", PrintIQSettings, PRINTIQ)
    connections, pairs = _connections(document, storefronts, mises)
    document.check()
    return SetUp(
        file=document.file,
        server=server,
        installation=Installation(
            database=server.database,
            connections=tuple(connections),
            sign_in=sign_in,
            destinations=destinations,
        ),
        storefronts=_without_none(storefronts),
        mises=_without_none(mises),
        pairs=pairs,
        watched=document.watched,
        fingerprint=fingerprint(document.watched),
        lines={dotted(place): line for place, line in document.lines.items()},
    )


def fingerprint(files: Iterable[Path]) -> str:
    """What a change of any of these files changes."""
    digest = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = repr(error.errno).encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _without_none(systems: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in systems.items() if one is not None}


# [countermand]


def _server(document: Document) -> Server:
    place = ("countermand",)
    values = dict(document.table(place, document.values.get("countermand", {})))
    database = values.pop("database", Server().database)
    server = document.build(place, Server, values, SERVER) or Server()
    for name in server.hosts:
        if not _HOST.fullmatch(name):
            document.wrong(
                (*place, "hosts"),
                f"countermand.hosts has {shown(name)}, which is no name: leave out scheme, port and path",
            )
    return msgspec.structs.replace(server, database=_database(document, database))


def _database(document: Document, value: object) -> str:
    """An SQLAlchemy address; file names start at the set-up file, not where the program was called."""
    place = ("countermand", "database")
    text = document.secret(place, value, always=True) if isinstance(value, dict) else value
    if text == "" and isinstance(value, dict):
        return ""
    if not isinstance(text, str) or not text:
        document.wrong(place, "countermand.database must be a file name or the address of a database")
        return ""
    if "://" not in text:
        return f"sqlite:///{document.file.parent / Path(text).expanduser()}"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        document.wrong(place, "countermand.database is not the address of a database")
        return ""
    if url.password and not isinstance(value, dict):
        document.wrong(
            place,
            "countermand.database holds a password, and no secret may stand in the file: write "
            'database = { env = "COUNTERMAND_DATABASE" } and put the whole address there',
        )
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        document.wrong(place, "countermand.database must be SQLite or PostgreSQL")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return f"sqlite:///{document.file.parent / str(url.database)}"
    return text


# [infigo.NAME] and [printiq.NAME]


def _systems(
    document: Document, section: str, struct: type[Any], specs: tuple[Spec, ...]
) -> dict[str, Any | None]:
    """By name; none for one that something is wrong with."""
    return {
        name: document.build((section, name), struct, document.table((section, name), values), specs)
        for name, values in _named(document, section).items()
    }


def _named(document: Document, section: str) -> dict[str, Any]:
    tables = document.table((section,), document.values.get(section, {}))
    named = {}
    for name, values in tables.items():
        if not isinstance(values, dict):
            document.wrong((section, name), f"[{section}] needs a name of your choice: [{section}.NAME]")
            break
        if not _NAME.fullmatch(name):
            document.wrong((section, name), f"{name!r} is no name: use letters, digits, - and _, at most 64")
        named[name] = values
    return named


# [connections.NAME]


def _connections(
    document: Document, storefronts: Mapping[str, Any], mises: Mapping[str, Any]
) -> tuple[list[ConnectionSettings], dict[str, tuple[str, str]]]:
    tables = _named(document, "connections")
    if not tables and "connections" not in document.values:
        document.wrong((), "there is no [connections.NAME], so there is nothing to keep in step")
    found, pairs = [], {}
    for name, values in tables.items():
        read = read_connection(document, name, values, storefronts, mises)
        if read is not None:
            settings, pairs[name] = read
            found.append(settings)
    refuse_confusion(document, found, pairs)
    return found, pairs
