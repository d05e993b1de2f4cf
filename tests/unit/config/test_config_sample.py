"""The sample: valid as it is, every default in it true, and every setting there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from setup_files import read

from countermand.config import specs as specs_module
from countermand.config.sample import sample
from countermand.config.specs import Spec
from countermand.core.policy import Mode

#: A line that shows a default or heads an example: what a person uncomments.
SETTING = re.compile(r"^# (\[\[?|[a-z_.]+ = )", re.MULTILINE)
SECRETS = {
    name: f"secret-number-{number:02}"
    for number, name in enumerate(re.findall(r'env = "([A-Z_]+)"', sample()))
    if name != "NAME"
}


def uncommented() -> str:
    return SETTING.sub(r"\1", sample())


def test_the_sample_is_valid_once_its_secrets_are_there(tmp_path: Path) -> None:
    setup = read(tmp_path, sample(), SECRETS)
    (connection,) = setup.installation.connections
    modes = {connection.policy.cancel_to_mis, connection.policy.cancel_to_storefront}
    assert modes | {connection.policy.ship_to_storefront} == {Mode.MANUAL}
    assert connection.overrides == ()


def test_every_default_in_the_sample_is_true(tmp_path: Path) -> None:
    """Taking every "#" away changes nothing but the secrets and the example."""
    (plain,) = read(tmp_path, sample(), SECRETS).installation.connections
    assert "\n[[connections.main.when]]" in uncommented()
    setup = read(tmp_path, uncommented(), SECRETS)
    (full,) = setup.installation.connections
    assert (full.policy, full.polling, full.live_since) == (plain.policy, plain.polling, plain.live_since)
    for one, other, secrets in (
        (full.infigo, plain.infigo, {"megascript_secret"}),
        (full.printiq, plain.printiq, {"odata_token"}),
    ):
        differing = {name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)}
        assert differing == secrets
    assert [one.name for one in full.overrides] == ["trade customers"]
    assert setup.server == read(tmp_path, sample(), SECRETS).server
    assert setup.installation.sign_in == read(tmp_path, sample(), SECRETS).installation.sign_in


def test_every_setting_is_in_the_sample() -> None:
    values = tomllib.loads(uncommented())
    main = values["connections"]["main"]
    tables = {
        "SERVER": values["countermand"],
        "SIGN_IN": values["sign_in"],
        "INFIGO": values["infigo"]["shop"],
        "PRINTIQ": values["printiq"]["plant"],
        "CONNECTION": main,
        "HOOK_TOKENS": main["hook_tokens"],
        "RULES": main["rules"],
        "POLLING": main["polling"],
    }
    for name, table in tables.items():
        specs: tuple[Spec, ...] = getattr(specs_module, name)
        assert [spec.name for spec in specs] == [key for key in table if key in {one.name for one in specs}]
        for spec in specs:
            assert not spec.inner or list(table[spec.name]) == [one.name for one in spec.inner]


def test_every_guess_is_marked_as_one() -> None:
    text = sample()
    assert re.search(r"# Guess\. Path that triggers .*\n# megascript_path = ", text)
    assert not re.search(r"# Guess\.[^\n]*\n# auth_style = ", text)


def test_no_line_is_too_long_to_read() -> None:
    assert max(map(len, sample().splitlines())) <= 120


def test_the_sample_says_where_secrets_are_kept() -> None:
    assert "Countermand stores no secret anywhere" in sample()
