"""DuckDB without a network: no extension is ever downloaded or loaded while comparing."""

from __future__ import annotations

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
