"""The header that commands send with every call: as it is, and never shown, for it may hold a password."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import click
import pytest

from countermand.cli import remote


@pytest.fixture
def heard() -> Iterator[tuple[str, list[bytes]]]:
    """An address that answers one call, and what was sent there."""
    sent: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):  # nobody calls where the header is refused
                caller, _ = listener.accept()
                with caller:
                    sent.append(caller.recv(65536))
                    caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")

        Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", sent


@pytest.mark.parametrize("header", ["X-Forwarded-User: zoë", " X-Forwarded-User :zoë\n"])
def test_it_is_sent_in_utf_8(
    heard: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    url, sent = heard
    monkeypatch.setenv(remote.HEADER_VARIABLE, header)
    assert remote.get(url, "/api/orders") == {}
    assert "\r\nX-Forwarded-User: zoë\r\n".encode() in sent[0]


@pytest.mark.parametrize(("header", "name"), [("X-Forwarded-User: priya", ""), ("", "login")])
def test_who_acts_is_said_by_the_header_and_else_by_the_login(
    monkeypatch: pytest.MonkeyPatch, header: str, name: str
) -> None:
    monkeypatch.setenv(remote.HEADER_VARIABLE, header)
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    assert remote.your_name() == name


@pytest.mark.parametrize(
    "header",
    [
        "c2VjcmV0",
        "Authorization: Basic c2Vj\nc2VjcmV0",
        "Authorization: c2VjcmV0\x01",
        "Basic c2VjcmV0: x",
        ":c2VjcmV0",
    ],
)
def test_one_that_is_none_is_refused_and_not_shown(
    heard: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setenv(remote.HEADER_VARIABLE, header)
    with pytest.raises(click.ClickException) as refused:
        remote.get(heard[0], "/api/orders")
    assert refused.value.message == "COUNTERMAND_HEADER must be a header such as `X-Forwarded-User: priya`."
