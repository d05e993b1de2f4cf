"""Starting the simulator from a command line: what is wrong is one sentence."""

import socket

import pytest
from click.testing import CliRunner

from countermand.simulators.printiq.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--set", "nope=1"], "There is no setting nope."),
        (["--set", "deliveries_per_job=0"], "The setting deliveries_per_job cannot be 0"),
        (["--set", 'refuse_cancel_when=["never"]'], "never"),
        (["--set", "name"], "Write a setting as key=value"),
    ],
)
def test_an_unusable_setting_stops_the_start(arguments: list[str], part: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert part in result.output


def test_a_taken_port_stops_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["--port", str(port)])
    assert result.exit_code == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in result.output
