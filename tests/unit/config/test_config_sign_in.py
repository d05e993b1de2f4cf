"""`[sign_in]`: who may come in, and what is wrong with a file that would let in others than it seems to."""

from __future__ import annotations

from pathlib import Path

import pytest
from setup_files import NEXT, SMALL, read, refused

from countermand.access import Colleague, Role, SignIn

PEOPLE = """
[sign_in]
header = "X-Forwarded-User"
[sign_in.people."Priya@Example.com"]
name = "Priya  Shah"
role = "approver"
[sign_in.people.tom]
name = "Tom Becker"
role = "viewer"
"""


def test_without_it_nobody_signs_in(tmp_path: Path) -> None:
    assert not read(tmp_path, SMALL).installation.sign_in.header


def test_people_are_known_by_what_the_header_says_in_lower_case(tmp_path: Path) -> None:
    assert read(tmp_path, SMALL + PEOPLE).installation.sign_in == SignIn(
        header="X-Forwarded-User",
        proxies=frozenset({"127.0.0.1", "::1"}),
        people={
            "priya@example.com": Colleague(name="Priya Shah", role=Role.APPROVER),
            "tom": Colleague(name="Tom Becker", role=Role.VIEWER),
        },
    )


def test_others_have_a_role_only_if_the_file_says_so(tmp_path: Path) -> None:
    text = SMALL + '[sign_in]\nheader = "Remote-User"\nothers = "viewer"\nproxies = ["10.0.0.2"]\n'
    sign_in = read(tmp_path, text).installation.sign_in
    assert (sign_in.others, sign_in.proxies) == (Role.VIEWER, frozenset({"10.0.0.2"}))


def test_an_address_may_be_written_in_any_way(tmp_path: Path) -> None:
    """A connection shows it in one."""
    proxies = 'proxies = ["0:0:0:0:0:0:0:1", "2001:DB8::0A", "::ffff:10.0.0.2"]'
    text = SMALL + f'[sign_in]\nheader = "Remote-User"\nothers = "viewer"\n{proxies}\n'
    assert read(tmp_path, text).installation.sign_in.proxies == {"::1", "2001:db8::a", "10.0.0.2"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[sign_in]\n[sign_in.people.tom]\nname = "Tom"\nrole = "viewer"\n',
            "sign_in.people lists people, and sign_in.header does not say how they sign in.",
        ),
        (
            '[sign_in]\nothers = "viewer"\n',
            "sign_in.others says what others may do, and sign_in.header does not say how they sign in.",
        ),
        (
            '[sign_in]\nheader = "X-User"\n',
            "sign_in lets nobody in: list people, or say what `others` may do.",
        ),
        (
            '[sign_in]\nothers = "viewer"\nheader = "X-User"\nproxies = []\n',
            "sign_in lets nobody in: sign_in.proxies names no address from which the header is believed.",
        ),
        (
            '[sign_in]\nothers = "viewer"\nheader = "X User"\n',
            'sign_in.header is "X User", which is no name of a header.',
        ),
        (
            '[sign_in]\nothers = "viewer"\nheader = "Authorization"\n',
            'sign_in.header is "Authorization", which browsers send themselves.',
        ),
        (
            '[sign_in]\nothers = "viewer"\nheader = "X-User"\nproxies = ["proxy.example"]\n',
            'sign_in.proxies has "proxy.example", which is no address of a machine.',
        ),
    ],
)
def test_what_would_let_in_others_than_it_seems_to_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (said,) = refused(tmp_path, SMALL + text)
    assert said.endswith(says)


@pytest.mark.parametrize(
    ("people", "says"),
    [
        (
            '[sign_in.people.ann]\nname = "Ann Lee"\nrole = "boss"\n',
            'sign_in.people.ann.role is "boss"; it must be "viewer", "operator", "approver" or "admin".',
        ),
        (
            '[sign_in.people.ann]\nname = "tom becker"\nrole = "viewer"\n',
            "as another person's is.",
        ),
        (
            '[sign_in.people.TOM]\nname = "Tom Two"\nrole = "viewer"\n',
            "sign_in.people.TOM is there twice, but for upper and lower case.",
        ),
        (
            '[sign_in.people.ann]\nname = " "\nrole = "viewer"\n',
            "sign_in.people.ann.name must be a name of at most 60 characters.",
        ),
        (
            '[sign_in.people.ann]\nname = "Countermand"\nrole = "viewer"\n',
            'sign_in.people.ann.name is "Countermand": what Countermand does by itself stands under it.',
        ),
        ('[sign_in.people.ann]\nrole = "viewer"\n', "name"),
    ],
)
def test_a_person_needs_a_name_of_their_own_and_a_role(tmp_path: Path, people: str, says: str) -> None:
    found = refused(tmp_path, SMALL + PEOPLE + people)
    assert any(says in each for each in found), found
    assert all(each.startswith("countermand.toml, line ") for each in found)
    assert min(int(each.split("line ")[1].split(":")[0]) for each in found) >= NEXT


def test_people_are_tables(tmp_path: Path) -> None:
    found = refused(tmp_path, SMALL + '[sign_in]\nheader = "X-User"\npeople = 7\n')
    assert any("sign_in.people" in each for each in found)
