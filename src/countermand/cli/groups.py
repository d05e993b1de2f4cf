"""Commands with commands of their own."""

from __future__ import annotations

import click

_LONGEST = 200


class Group(click.Group):
    """Says about each of its commands a whole sentence, where click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_LONGEST)) for name, one in found if one is not None]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
