"""Secrets: always from the environment or a file of their own, never from the set-up file, never stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

#: A key is one short text; whoever names a log or a dump by mistake should be told.
_MOST_BYTES = 16 * 1024
#: How names of environment variables are written by custom; few secrets are.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class NoSecretError(ValueError):
    """The secret is not to be had; the text goes on from the setting's name and shows no secret."""


def key_file(value: object, folder: Path) -> Path | None:
    """The file that a secret is taken from, if it is; relative names start at the set-up file's folder."""
    match value:
        case {"file": str(name), **others} if not others:
            return folder / Path(name).expanduser()
    return None


def read_secret(value: object, place: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The secret that `{ env = "NAME" }` or `{ file = "path" }` leads to.

    Raises:
        NoSecretError: it is written into the file itself, or is not where it should be.
    """
    match value:
        case {"env": str(name), **others} if name and not others:
            return _from_environment(name, environ)
        case {"file": str(name), **others} if name and not others:
            path = key_file(value, folder)
            assert path is not None
            return _from_file(path)
    raise _nowhere(value, place)


def unread_secret(value: object, place: str) -> str:
    """What stands for a secret that nobody needs, and that is not looked for; no two settings' are the same.

    Raises:
        NoSecretError: it is written into the file itself.
    """
    match value:
        case {"env": str(name), **others} | {"file": str(name), **others} if name and not others:
            return f"not-read.{place}"
    raise _nowhere(value, place)


def _nowhere(value: object, place: str) -> NoSecretError:
    if isinstance(value, str):
        return NoSecretError(f"is written into the file, where no secret may stand: {_instead(place)}")
    return NoSecretError(f"is not told where its secret is: {_instead(place)}")


def variable_name(place: str) -> str:
    """A good name for the environment variable of a setting: COUNTERMAND_INFIGO_SHOP_TOKEN."""
    return "COUNTERMAND_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in place).upper()


def _instead(place: str) -> str:
    name = place.rpartition(".")[2]
    return f'write {name} = {{ env = "{variable_name(place)}" }} or {name} = {{ file = "path" }}'


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ and not _VARIABLE.fullmatch(name):
        # Most likely the secret itself, and what is said here stands in logs and at /health.
        raise NoSecretError(
            "is to come from an environment variable, but what env names there is not set and does not look"
            " like the name of one, such as COUNTERMAND_TOKEN: no secret may stand in the file"
        )
    if name not in environ:
        raise NoSecretError(f"is to come from the environment variable {name}, which is not set: set it")
    return _filled(environ[name], f"the environment variable {name}")


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise NoSecretError(
            f"is to come from the file {path}, which cannot be read: {error.strerror}"
        ) from None
    if len(content) > _MOST_BYTES:
        raise NoSecretError(f"is to come from the file {path}, which is too large to be a key")
    try:
        return _filled(content.decode("utf-8"), f"the file {path}")
    except UnicodeDecodeError:
        raise NoSecretError(f"is to come from the file {path}, which is not a text") from None


def _filled(text: str, source: str) -> str:
    secret = text.strip()
    if not secret:
        raise NoSecretError(f"is to come from {source}, which is empty: put the secret there")
    return secret
