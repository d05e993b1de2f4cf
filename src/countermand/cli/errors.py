"""Errors as one clear sentence and a non-zero exit, never a traceback for what a person can mend."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from countermand.bridge.people import RefusedError
from countermand.ledger.engine import LedgerError

Params = ParamSpec("Params")
Result = TypeVar("Result")


def plain_errors(command: Callable[Params, Result]) -> Callable[Params, Result]:
    """Turn the errors that a person can do something about into click's own."""

    @wraps(command)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except (click.exceptions.Exit, click.exceptions.Abort):
            raise  # click's own way to end a command
        except (LedgerError, RefusedError, RuntimeError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise  # no file of theirs; a closed pipe is click's own to end quietly
            why = f"{error.filename} cannot be read or written: {error.strerror}."
            raise click.ClickException(why) from error

    return run
