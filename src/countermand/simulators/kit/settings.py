"""A simulator's settings while it runs: one frozen struct, replaced by merging JSON into it."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class SettingsError(ValueError):
    """A settings change that names an unknown field or carries a value of the wrong kind."""


class SettingsBox(Generic[S]):
    """Holds the settings in force; readers look at `value` each time."""

    def __init__(self, value: S) -> None:
        self.value = value

    def merge(self, change: Mapping[str, object]) -> S:
        """Merge a JSON object into the settings, nested objects too. Raises `SettingsError`."""
        self.value = merged(self.value, change)
        return self.value


def merged(settings: S, change: Mapping[str, object], where: str = "") -> S:
    """Return a copy of `settings` with `change` merged in. Raises `SettingsError`."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(settings):
        current = getattr(settings, field.name)
        if field.name not in change:
            values[field.name] = current
            continue
        wanted = change[field.name]
        if isinstance(current, msgspec.Struct) and isinstance(wanted, Mapping):
            values[field.name] = merged(current, wanted, f"{where}{field.name}.")
        else:
            values[field.name] = _converted(wanted, field.type, where + field.name)
    unknown = [name for name in change if name not in values]
    if unknown:
        raise SettingsError(f"There is no setting {where}{unknown[0]}.")
    return type(settings)(**values)


def settings_from_pairs(settings: S, pairs: Iterable[str]) -> S:
    """Merge `key=value` texts as given on a command line; values are JSON where they parse as JSON.

    Dots reach into nested settings: `plugin.enabled=false`. Raises `SettingsError`.
    """
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise SettingsError(f"Write a setting as key=value; got {pair!r}.")
        settings = _merged_text(settings, key, text)
    return settings


def _merged_text(settings: S, key: str, text: str) -> S:
    try:
        return merged(settings, _nested(key, msgspec.json.decode(text)))
    except msgspec.DecodeError:
        return merged(settings, _nested(key, text))
    except SettingsError as error:
        # A password such as 1234 is JSON, but its setting is a text.
        try:
            return merged(settings, _nested(key, text))
        except SettingsError:
            raise error from None


def _nested(key: str, value: object) -> dict[str, object]:
    first, _, rest = key.partition(".")
    return {first: _nested(rest, value) if rest else value}


def _converted(value: object, kind: object, name: str) -> object:
    try:
        return msgspec.convert(value, type=kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"The setting {name} cannot be {value!r}: {error}.") from error
