"""Answers that say in one sentence what is wrong, to a person or to a program."""

from __future__ import annotations


class Problem(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """An answer that says in one sentence what is wrong, and what to do."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
