"""`[tell.NAME]`: programs outside, and what is wrong with an address, a secret or an event."""

from __future__ import annotations

from pathlib import Path

import pytest
from setup_files import ENVIRON, SMALL, read, refused

from countermand.core.events import Event
from countermand.outbound.destination import USUAL, Destination

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HELD = ENVIRON | {"TELL": SECRET}
DESK = '[tell.desk]\nurl = "https://hooks.example/x"\nsecret = { env = "TELL" }\n'


def test_a_destination_with_its_defaults(tmp_path: Path) -> None:
    (desk,) = read(tmp_path, SMALL + DESK, HELD).installation.destinations
    assert desk == Destination(name="desk", url="https://hooks.example/x", secret=SECRET, events=USUAL)


def test_events_by_their_names_and_an_address_for_links(tmp_path: Path) -> None:
    text = SMALL + DESK + 'events = ["write.verified"]\nconsole = "https://orders.example.com"\n'
    (desk,) = read(tmp_path, text, HELD).installation.destinations
    assert (desk.events, desk.console) == ((Event.WRITE_VERIFIED,), "https://orders.example.com")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("https://hooks", "http://hooks"), "tell.desk.url must be an https address"),
        (("https://hooks.example/x", "hooks"), "tell.desk.url must be an https address"),
        (('{ env = "TELL" }', '{ env = "HOOK" }'), "tell.desk.secret must begin with whsec_"),
        (('{ env = "TELL" }', f'"{SECRET}"'), "tell.desk.secret"),
        (
            ("\nsecret", '\nevents = ["task.opend"]\nsecret'),
            'tell.desk.events has "task.opend", which is no journal entry; did you mean task.opened?',
        ),
        (("\nsecret", '\nconsole = "orders"\nsecret'), "tell.desk.console must be an address of a page"),
        (("hooks.example", "hooks.example:x"), "tell.desk.url must be an https address"),
        (("hooks.example", "ü_.example"), "tell.desk.url must be an https address"),
        (
            ("\nsecret", '\nconsole = "http://[orders"\nsecret'),
            "tell.desk.console must be an address of a page",
        ),
        (
            ("\nsecret", '\nconsole = "https:orders"\nsecret'),
            "tell.desk.console must be an address of a page",
        ),
        (("url =", "urll ="), "tell.desk.url is missing"),
    ],
)
def test_what_does_not_fit_is_told_and_no_secret_with_it(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    found = refused(tmp_path, SMALL + DESK.replace(*change), HELD)
    assert any(says in each for each in found), found
    assert not any(SECRET in each for each in found)


def test_this_machine_may_be_told_without_https(tmp_path: Path) -> None:
    text = SMALL + DESK.replace("https://hooks.example/x", "http://127.0.0.1:9000/in")
    assert read(tmp_path, text, HELD).installation.destinations[0].url == "http://127.0.0.1:9000/in"
