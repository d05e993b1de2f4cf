"""Why two exports could not be compared: one sentence with what was found and what to do."""

from __future__ import annotations


class CompareError(Exception):
    """The comparison cannot be made; the text is for the person at the keyboard. Exit code 2."""
