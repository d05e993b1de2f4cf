import msgspec
import pytest

from countermand.simulators.kit import SettingsBox, SettingsError, settings_from_pairs


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    enabled: bool = True
    url: str = ""


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "acme"
    life: int = 600
    labels: dict[int, str] = {}
    inner: Inner = Inner()


def test_a_merge_keeps_what_it_does_not_name() -> None:
    box = SettingsBox(Outer(life=5))
    box.merge({"inner": {"url": "http://x"}})
    assert box.value == Outer(life=5, inner=Inner(enabled=True, url="http://x"))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"lief": 3}, "There is no setting lief."),
        ({"inner": {"nope": 1}}, "There is no setting inner.nope."),
        ({"life": "long"}, "The setting life cannot be 'long'"),
    ],
)
def test_a_bad_merge_names_the_setting_and_changes_nothing(change: dict[str, object], part: str) -> None:
    box = SettingsBox(Outer())
    with pytest.raises(SettingsError, match=part):
        box.merge(change)
    assert box.value == Outer()


def test_pairs_from_a_command_line() -> None:
    pairs = ["name=1234", "life=60", "inner.enabled=false", 'labels={"17": "Killed"}']
    settings = settings_from_pairs(Outer(), pairs)
    assert settings == Outer(name="1234", life=60, labels={17: "Killed"}, inner=Inner(enabled=False))
    with pytest.raises(SettingsError, match="key=value"):
        settings_from_pairs(Outer(), ["life"])
