"""A set-up file while it is being read: its values, where each stands, and what is wrong with it so far."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from countermand.config.keys import NoSecretError, key_file, read_secret, unread_secret
from countermand.config.lines import Place, line_of, lines_of
from countermand.config.problems import Problem, SetUpError, nearest, shown
from countermand.config.specs import Spec
from countermand.config.values import WrongValueError, read_value

#: Room for some ten thousand shops in one installation.
_MOST_BYTES = 16 * 1024 * 1024
#: What to do, by what the reader of TOML says.
_ADVICE = {
    "Cannot overwrite a value": "; the same setting is further up already: keep one of the two",
    "Invalid value": '; a text stands in quotes, "like this"',
}
_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class Document:
    """One file. Problems are gathered, so that a person mends them all at once."""

    def __init__(self, file: Path, environ: Mapping[str, str], *, secrets: bool = True) -> None:
        self.file = file
        self.environ = environ
        self.secrets = secrets
        self.problems: list[Problem] = []
        self.key_files: list[Path] = []
        text = self._text()
        self.values = self._parsed(text)
        self.lines = lines_of(text)

    def _text(self) -> str:
        try:
            with self.file.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            raise self._refused("does not exist; `countermand init` writes one") from None
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror}") from None
        if len(content) > _MOST_BYTES:
            raise self._refused("has more than 16 MiB, so it is no set-up file")
        try:
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise self._refused("is not UTF-8 from here on: save it as UTF-8", line) from None

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = _POSITION.search(str(error))
            line = int(found[1]) if found and found[1] else text.count("\n") + 1
            said = _POSITION.sub("", str(error))
            raise self._refused(f"this is not TOML: {said}{_advice(said, text, line)}", line) from None
        except RecursionError:
            raise self._refused("is nested too deeply to be read") from None

    def _refused(self, says: str, line: int | None = None) -> SetUpError:
        return SetUpError([Problem(file=self.file, line=line, setting="", says=says)], [self.file])

    # Problems

    def wrong(self, place: Place, says: str) -> None:
        """Note a problem; `says` is the whole sentence."""
        line, says = line_of(self.lines, place), says if says.endswith("?") else f"{says}."
        self.problems.append(Problem(file=self.file, line=line, setting=dotted(place), says=says))

    def check(self) -> None:
        """Raises `SetUpError` with everything that was noted."""
        if self.problems:
            raise SetUpError(self.problems, self.watched)

    @property
    def watched(self) -> tuple[Path, ...]:
        """The file itself and every key file that it names."""
        return (self.file, *self.key_files)

    # Values

    def table(self, place: Place, values: object) -> dict[str, Any]:
        """The values as a table; another thing in its place is noted and taken as empty."""
        if isinstance(values, dict):
            return values
        self.wrong(place, f"{dotted(place)} is {shown(values)}; it must be a table, [{dotted(place)}]")
        return {}

    def read(
        self, place: Place, values: Mapping[str, Any], specs: tuple[Spec, ...], also: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """The values of one table by setting, defaults left out; none when something is wrong with them.

        `also`: further names that may stand there, to suggest them for a misspelt one.
        """
        before = len(self.problems)
        known = {spec.name: spec for spec in specs}
        found = {
            name: self.value((*place, name), known[name], value)
            for name, value in values.items()
            if self._is_known((*place, name), known, also)
        }
        for spec in specs:
            if spec.required and spec.name not in values:
                name = dotted((*place, spec.name))
                self.wrong(place, f"{name} is missing: {spec.description.rstrip('.')}")
        return found if len(self.problems) == before else None

    def _is_known(self, place: Place, known: Mapping[str, Spec], also: tuple[str, ...]) -> bool:
        name = str(place[-1])
        if name not in known:
            self.wrong(place, f"there is no setting {dotted(place)}{nearest(name, (*known, *also))}")
        return name in known

    def value(self, place: Place, spec: Spec, value: object) -> Any:
        """One value; none and a problem noted when it does not fit."""
        if spec.inner:
            return self.build(place, spec.kind, self.table(place, value), spec.inner)
        if spec.secret:
            return self.secret(place, value)
        try:
            return read_value(spec, value)
        except WrongValueError as error:
            self.wrong(place, f"{dotted(place)} is {shown(value)}; it {error}")
            return None

    def secret(self, place: Place, value: object, *, always: bool = False) -> str:
        """A secret from where the file says it is; its file is watched from then on.

        `always`: also when the document is read without secrets.
        """
        wanted = always or self.secrets
        if wanted and (path := key_file(value, self.file.parent)) is not None:
            self.key_files.append(path)
        try:
            if not wanted:
                return unread_secret(value, dotted(place))
            return read_secret(value, dotted(place), self.file.parent, self.environ)
        except NoSecretError as error:
            self.wrong(place, f"{dotted(place)} {error}")
            return ""

    def build(
        self, place: Place, struct: type[Any], values: Mapping[str, Any], specs: tuple[Spec, ...]
    ) -> Any | None:
        """A struct from one table; none when something is wrong with it."""
        found = self.read(place, values, specs)
        if found is None:
            return None
        try:
            return struct(**found)
        except (ValueError, msgspec.ValidationError) as error:
            # What a struct refuses as a whole begins with the name of the setting to look at.
            name = str(error).partition(" ")[0]
            inner = (*place, name) if name in {spec.name for spec in specs} else place
            says = f"{dotted(place)}.{error}" if inner != place else f"{dotted(place)}: {error}"
            self.wrong(inner, says)
            return None


def _advice(said: str, text: str, line: int) -> str:
    """What to do about the mistakes that are made most, as far as the reader's words tell them apart."""
    if twice := _TWICE.fullmatch(said):
        name = ".".join(re.findall(r"'([^']*)'", twice[1]))
        above = lines_of("\n".join(text.split("\n")[: line - 1]))
        first = above.get(tuple(name.split(".")))
        where = f"is in line {first} already" if first else "is further up already"
        return f"; [{name}] {where}: write these settings there"
    return _ADVICE.get(said, "")


def dotted(place: Place) -> str:
    """The name of a place as people read it; what is in a list is counted from one."""
    text = ""
    for name in place:
        text += f"[{name + 1}]" if isinstance(name, int) else f".{name}" if text else name
    return text
