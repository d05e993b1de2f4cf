"""Running an ASGI application on a loopback port: in a thread for tests and the demo, or in front."""

import socket
import threading
from time import monotonic, sleep
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from countermand.simulators.kit.middleware import ABORT_EXTENSION

LOOPBACK = "127.0.0.1"
START_SECONDS = 15.0
STOP_SECONDS = 10.0


class PortError(RuntimeError):
    """A port cannot be listened on; the text says which and why."""


class _AbortableProtocol(HttpToolsProtocol):
    """Lets the application close a connection without an answer, which ASGI itself cannot say."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT_EXTENSION: self.transport.abort}  # type: ignore[dict-item]  # ours


def _config(app: ASGIApp, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        http=_AbortableProtocol,
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


class ServerThread:
    """A server in a thread: `with ServerThread(app) as server: server.url`; port 0 takes any free one.

    Entering waits until the server answers; leaving stops it and closes its port. Making it raises
    `PortError` when the port is taken, entering `RuntimeError` when the application does not start.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._socket = listen(port)
        self.port = port_of(self._socket)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._server = uvicorn.Server(_config(app, self.port))
        self._thread = threading.Thread(target=self._run, name=f"server-{self.port}", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Start the thread and return once the server answers."""
        self._thread.start()
        deadline = monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or monotonic() > deadline:
                self._socket.close()
                raise RuntimeError(f"The server on port {self.port} did not start; see its log above.")
            sleep(0.005)

    def stop(self) -> None:
        """Stop the server; returns when its thread has ended."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError(f"The server on port {self.port} did not stop within {STOP_SECONDS:.0f} s.")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Run the server in front until it is interrupted."""
    uvicorn.Server(_config(app, port_of(listener))).run(sockets=[listener])


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def listen(port: int) -> socket.socket:
    """Take a loopback port, any free one for 0, so that its address can be told before it is served.

    Raises:
        PortError: it cannot be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Else each answer on a kept connection waits 40 ms for the reader's system to acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((LOOPBACK, port))
        # Listening already here queues early connections instead of refusing them.
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortError(f"Port {port} on {LOOPBACK} cannot be used: {error.strerror}.") from error
    return listener
