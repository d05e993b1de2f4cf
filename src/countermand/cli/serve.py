"""`countermand serve`: the service itself."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette

from countermand.cli.errors import plain_errors
from countermand.cli.setup import config_option
from countermand.config import SetUp, load
from countermand.config.database import assert_usable
from countermand.config.model import Server
from countermand.config.reload import Caretaker
from countermand.config.trial import try_systems
from countermand.logs import configure_logs
from countermand.web.server import create_app


@click.command()
@config_option
@click.option("--strict", is_flag=True, help="Do not start when a system does not answer as it should.")
@click.pass_context
@plain_errors
def serve(context: click.Context, file: Path, strict: bool) -> None:
    """Keep the connections of the set-up file in step, until stopped.

    A system that cannot be reached is said and tried again. A changed set-up file is taken over within
    seconds (at once on SIGHUP); one that is not valid is refused, and the old one goes on.

    Example: countermand serve --config countermand.toml
    """
    setup = load(file)
    if _was_left_out(context, "log_level"):
        configure_logs(setup.server.log_level)
    _open_many()
    assert_usable(setup.installation.database)
    if strict:
        _insist(setup)
    listener = _listen(setup.server)
    click.echo(f"Countermand: http://{setup.server.host}:{setup.server.port}  (Ctrl-C stops it)")
    if not asyncio.run(_serve(setup, listener)):
        sys.exit(1)


def _was_left_out(context: click.Context, option: str) -> bool:
    source = context.find_root().get_parameter_source(option)
    return source in (None, click.core.ParameterSource.DEFAULT)


def _insist(setup: SetUp) -> None:
    bad = [f"{one.place}: {one.problem}." for one in asyncio.run(try_systems(setup)) if one.problem]
    if bad:
        raise click.ClickException("\n".join(bad))


def _open_many() -> None:
    """As many open files as this machine allows: each connection that waits for an answer is one or two.

    Where nobody has said otherwise the system begins with 1,024, a limit for programs that are older.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(server: Server) -> socket.socket:
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        listener = socket.create_server((server.host, server.port), family=family, backlog=256)
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]
        raise click.ClickException(
            f"Port {server.port} on {server.host} cannot be used: {why}; "
            "change countermand.port or countermand.host in the set-up file."
        ) from error
    # Else each answer on a kept connection waits 40 ms for the reader's system to acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(setup: SetUp, listener: socket.socket) -> bool:
    """Serve until stopped; false when the service did not start, which the log tells."""
    app = create_app(setup.installation, setup.server.hosts)
    server = _Server(
        uvicorn.Config(
            app,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Who signed in is believed by where a request comes from, not by what it says about that.
            proxy_headers=False,
            # Open pages follow along for as long as they are open; a stop does not wait for them.
            timeout_graceful_shutdown=3,
        )
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    care = asyncio.create_task(_take_care(setup, app, server))
    await server.serve(sockets=[listener])
    care.cancel()
    await asyncio.gather(care, return_exceptions=True)
    return server.started


class _Server(uvicorn.Server):
    """Tells when it is up, and ends without raising the signal that stopped it once more."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator's type
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.up.set()


def _say(text: str) -> None:
    with suppress(OSError):  # where the log is on a full disk
        click.echo(text, err=True)


async def _take_care(setup: SetUp, app: Starlette, server: _Server) -> None:
    await server.up.wait()
    caretaker = Caretaker(setup, app.state.service, _say)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, caretaker.ask)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(caretaker.watch_file())
        tasks.create_task(caretaker.watch_systems())
