"""docs/configuration.md has every setting, as the code has it, and no other."""

from __future__ import annotations

import re

import config_docs
import msgspec
import pytest
from config_docs import PAGE, in_page

from countermand.bridge.connection import Polling
from countermand.config.model import ConnectionTable, HookTokens, Server
from countermand.config.reference import reference
from countermand.config.words import POLLING_WORDS, RULE_WORDS
from countermand.core.policy import Policy
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "countermand": Server,
    "infigo.NAME": InfigoSettings,
    "printiq.NAME": PrintIQSettings,
    "connections.NAME": ConnectionTable,
    "connections.NAME.hook_tokens": HookTokens,
    "connections.NAME.rules": Policy,
    "connections.NAME.polling": Polling,
}


@pytest.mark.parametrize("name", list(reference()))
def test_the_page_is_as_the_code_is(name: str) -> None:
    assert in_page(name) == reference()[name], f"docs/configuration.md is behind: run {config_docs.__file__}"


@pytest.mark.parametrize(("name", "struct"), STRUCTS.items())
def test_every_setting_of_the_code_has_its_row(name: str, struct: type[msgspec.Struct]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)[.`]", in_page(name) or "", re.MULTILINE)
    assert list(dict.fromkeys(rows)) == [field.name for field in msgspec.structs.fields(struct)]


def test_words_describe_settings_that_exist() -> None:
    assert set(RULE_WORDS) == {field.name for field in msgspec.structs.fields(Policy)}
    assert set(POLLING_WORDS) == {field.name for field in msgspec.structs.fields(Polling)}


def test_guesses_and_secrets_are_marked() -> None:
    rows = (in_page("infigo.NAME") or "").splitlines()
    marks = {row.split("`")[1]: row.rsplit("|", 2)[1].strip() for row in rows[2:]}
    assert marks["token"] == "secret"
    assert marks["megascript_path"] == "guess"
    assert marks["auth_style"] == ""


def test_the_page_says_that_no_secret_is_stored() -> None:
    assert "Countermand stores no\nsecret" in PAGE.read_text(encoding="utf-8")
