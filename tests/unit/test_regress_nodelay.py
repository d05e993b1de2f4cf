"""Answers go out at once: a listener that forgets to say so costs 40 ms on every kept connection."""

from __future__ import annotations

import socket

import pytest

from countermand.cli.serve import _listen
from countermand.config.model import Server
from countermand.simulators.kit.serving import listen


@pytest.mark.parametrize("kind", ["serve", "stand-in"])
def test_connections_are_taken_without_delay(kind: str) -> None:
    made = _listen(Server(host="127.0.0.1", port=0)) if kind == "serve" else listen(0)
    with made as listener, socket.create_connection(listener.getsockname()) as asking:
        taken, _ = listener.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert asking.fileno() >= 0
