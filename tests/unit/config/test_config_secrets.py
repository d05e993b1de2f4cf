"""Secrets come from outside the file, and never show in what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from setup_files import ENVIRON, SMALL, read, refused

from countermand.config import SetUpError

FROM_ENV = 'token = { env = "INFIGO_TOKEN" }'
SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    "written",
    [
        f'"{SECRET}"',
        f'["{SECRET}"]',
        f'{{ value = "{SECRET}" }}',
        f'{{ env = "INFIGO_TOKEN", file = "{SECRET}" }}',
        f'{{ env = ["{SECRET}"] }}',
        "{}",
        '{ env = "" }',
        '{ file = "" }',
        "12345",
    ],
)
def test_a_secret_in_the_file_is_refused_without_being_shown(tmp_path: Path, written: str) -> None:
    (problem,) = refused(tmp_path, SMALL.replace(FROM_ENV, f"token = {written}"))
    assert problem.startswith("countermand.toml, line 3: infigo.shop.token is ")
    assert problem.endswith(
        'write token = { env = "COUNTERMAND_INFIGO_SHOP_TOKEN" } or token = { file = "path" }.'
    )
    assert "hunter2" not in problem
    assert "12345" not in problem


@pytest.mark.parametrize("secret", [SECRET, "hunter2HUNTER2", "HUNTER2-HUNTER2", "hunter2+/="])
def test_a_secret_in_place_of_its_variables_name_is_not_shown(tmp_path: Path, secret: str) -> None:
    (problem,) = refused(tmp_path, SMALL.replace("INFIGO_TOKEN", secret))
    assert problem.startswith("countermand.toml, line 3: infigo.shop.token is to come from an environment")
    assert "such as COUNTERMAND_TOKEN: no secret may stand in the file" in problem
    assert "hunter2" not in problem.lower()


def test_a_misspelt_secret_does_not_show_either(tmp_path: Path) -> None:
    problems = refused(tmp_path, SMALL.replace(FROM_ENV, f'tokem = "{SECRET}"'))
    assert "there is no setting infigo.shop.tokem; did you mean token?" in problems[1]
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "is to come from the environment variable INFIGO_TOKEN, which is not set: set it."),
        (
            {"INFIGO_TOKEN": " \n"},
            "the environment variable INFIGO_TOKEN, which is empty: put the secret there.",
        ),
    ],
)
def test_a_variable_that_is_not_there(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    rest = {name: value for name, value in ENVIRON.items() if name != "INFIGO_TOKEN"}
    (problem,) = refused(tmp_path, SMALL, rest | environ)
    assert problem.startswith("countermand.toml, line 3: infigo.shop.token ")
    assert problem.endswith(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "which cannot be read: No such file or directory."),
        (b"", "which is empty: put the secret there."),
        (b"\xff\xfe\x00", "which is not a text."),
        (b"x" * 20_000, "which is too large to be a key."),
        (
            "schlüssel".encode(),
            "token holds characters that no such key has; was it copied whole and alone?",
        ),
    ],
)
def test_a_key_file_that_is_none(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    (problem,) = refused(tmp_path, SMALL.replace(FROM_ENV, 'token = { file = "key" }'))
    assert problem.startswith("countermand.toml, line 3: infigo.shop.token ")
    assert problem.endswith(says)


def test_a_key_file_that_cannot_be_read_yet_is_watched(tmp_path: Path) -> None:
    text = SMALL.replace(FROM_ENV, 'token = { file = "key" }')
    with pytest.raises(SetUpError) as caught:
        read(tmp_path, text)
    assert caught.value.watched == (tmp_path / "countermand.toml", tmp_path / "key")


def test_nothing_of_a_secret_shows_in_the_set_up(tmp_path: Path) -> None:
    text = SMALL + '[connections.main.hook_tokens]\nmis = { env = "HOOK" }\n'
    setup = read(tmp_path, text)
    shown = f"{setup!r} {setup.installation!r} {setup.installation.connections[0]!r} {setup.storefronts!r}"
    assert not [secret for secret in ENVIRON.values() if secret in shown]
