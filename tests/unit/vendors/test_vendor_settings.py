"""Settings of both vendors: secrets stay hidden, bad values are refused, and every setting is documented."""

from __future__ import annotations

import inspect
import re
from io import StringIO
from typing import Any

import msgspec
import pytest
import vendor_docs
from rich.console import Console
from rich.pretty import Pretty
from vendor_docs import PAGE, blocks, in_page

from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings
from countermand.printiq.settings import AcceptanceNames, HookNames, ODataNames
from countermand.vendor_http.settings import VendorSettings, describe, secret_fields

INFIGO: dict[str, Any] = {
    "base_url": "https://shop.example.com",
    "token": "token-of-the-shop",
    "megascript_secret": "secret-of-the-script",
}
PRINTIQ: dict[str, Any] = {
    "base_url": "https://acme.example.com",
    "username": "countermand",
    "password": "password of the user",
    "application_name": "Countermand",
    "application_key": "key-of-the-application",
    "odata_token": "token-of-odata",
}
BOTH = [(InfigoSettings, INFIGO), (PrintIQSettings, PRINTIQ)]
TABLES: list[type[VendorSettings]] = [InfigoSettings, PrintIQSettings]


@pytest.mark.parametrize(("kind", "values"), BOTH)
def test_no_secret_shows(kind: type[VendorSettings], values: dict[str, Any]) -> None:
    settings = msgspec.convert(values, kind)
    pretty = StringIO()
    Console(file=pretty, width=200).print(Pretty(settings))
    assert len(settings.secrets) == len(secret_fields(kind)) >= 2
    for shown in (repr(settings), str(settings), f"{settings}", pretty.getvalue()):
        assert "***" in shown
        assert not [secret for secret in settings.secrets if secret in shown]


@pytest.mark.parametrize(("kind", "values"), BOTH)
def test_settings_survive_a_round_trip(kind: type[VendorSettings], values: dict[str, Any]) -> None:
    settings = msgspec.convert(values, kind)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=kind) == settings


@pytest.mark.parametrize(("kind", "values"), BOTH)
@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "shop.example.com",
        "ftp://shop.example.com",
        "http://shop.example.com",
        "https://user:word@shop.example.com",
        "https://shop.example.com/?a=b",
        "https://",
    ],
)
def test_an_address_that_must_not_get_secrets_is_refused(
    kind: type[VendorSettings], values: dict[str, Any], base_url: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match="base_url") as caught:
        msgspec.convert(values | {"base_url": base_url}, kind)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8101", "http://localhost:8101", "http://[::1]:8101"])
def test_this_machine_needs_no_https(base_url: str) -> None:
    assert msgspec.convert(INFIGO | {"base_url": base_url}, InfigoSettings).base_url == base_url


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"token": ""}, "token is empty"),
        ({"token": "abc\n"}, "copied whole"),
        ({"token": "schlüssel"}, "copied whole"),
        ({"megascript_secret": "", "read_by": "megascript"}, "read_by = megascript needs"),
        ({"auth_style": "bearer"}, "auth_style"),
        ({"burst": 0}, "burst"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"admin_url_template": "{base}/{order}"}, "admin_url_template"),
        ({"admin_url_template": "{base}/{id"}, "admin_url_template"),
        ({"statusfield": "x"}, "statusfield"),
        ({"base_url": "https://shop.example.com/Services/API/"}, "without /services/api"),
        ({"megascript_path": "https://evil.example.com/x"}, "megascript_path"),
        ({"megascript_path": "//evil.example.com/x"}, "megascript_path"),
    ],
)
def test_bad_infigo_settings_are_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words) as caught:
        msgspec.convert(INFIGO | values, InfigoSettings)
    assert "secret-of-the-script" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"password": ""}, "password is empty"),
        ({"application_key": ""}, "application_key is empty"),
        ({"odata_token": "a b\x00"}, "odata_token"),
        ({"read_by": "odata", "odata_token": ""}, "read_by = odata needs"),
        ({"read_by": "odata", "odata": {"job_entity": ""}}, "read_by = odata needs"),
        ({"read_by": "guess"}, "read_by"),
        ({"soap_system": "switch"}, "soap_system"),
        ({"soap_path": "https://evil.example.com/x"}, "soap_path"),
        ({"dispatched_when": "sometimes"}, "dispatched_when"),
        ({"job_url_template": "{base}/{job}"}, "job_url_template"),
        ({"stock_notes": "{order}"}, "stock_notes"),
        ({"odata": {"jobs": "Jobs"}}, "jobs"),
    ],
)
def test_bad_printiq_settings_are_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(PRINTIQ | values, PrintIQSettings)


@pytest.mark.parametrize("kind", [InfigoSettings, PrintIQSettings, AcceptanceNames, ODataNames, HookNames])
def test_every_setting_has_a_comment_on_where_its_default_comes_from(kind: type[msgspec.Struct]) -> None:
    source = inspect.getsource(kind)
    for field in kind.__struct_fields__:
        assert re.search(rf"#: [^\n]+\n    {field}:", source), f"{kind.__name__}.{field} has no #: comment"


@pytest.mark.parametrize("kind", TABLES)
def test_every_guess_is_labelled_in_both_places(kind: type[msgspec.Struct]) -> None:
    source = inspect.getsource(kind)
    for row in describe(kind):
        if "." not in row.name:
            comment = re.search(rf"#: ([^\n]+)\n    {row.name}:", source)
            assert comment
            assert row.guess == comment.group(1).startswith("Guess"), row.name


@pytest.mark.parametrize("name", blocks())
def test_the_docs_hold_every_setting_and_status(name: str) -> None:
    assert in_page(name) == blocks()[name], f"docs/vendors.md is behind: run {vendor_docs.__file__}"


@pytest.mark.parametrize("kind", TABLES)
def test_the_docs_tell_every_guess_in_words_too(kind: type[msgspec.Struct]) -> None:
    facts = "\n".join(line for line in PAGE.read_text(encoding="utf-8").splitlines() if "| guess |" in line)
    for row in describe(kind):
        group = f"{row.name.partition('.')[0]}.*"
        assert not row.guess or f"`{row.name}`" in facts or f"`{group}`" in facts, row.name


def test_a_setting_without_a_description_is_an_error() -> None:
    class Bare(VendorSettings, frozen=True, kw_only=True):
        speed: int = 1

    with pytest.raises(TypeError, match="speed"):
        describe(Bare)
