"""The chart of the overview: exact numbers, readable without colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from countermand.ledger.figures import Day
from countermand.web.charts import day_bars


def test_every_bar_carries_its_number_and_its_sentence() -> None:
    days = [Day(number=20_780 + place, cancels=place, dispatches=2 * place) for place in range(14)]
    drawn = ElementTree.fromstring(str(day_bars(days)))
    numbers = [each.text for each in drawn.iter("text") if each.get("class") == "number"]
    assert numbers == [f"{3 * place:,}" for place in range(1, 14)]
    titles = [each.text or "" for each in drawn.iter("title")]
    assert any("13 cancels, 26 dispatches" in title for title in titles)
    heights = {each.get("class"): float(each.get("height", "0")) for each in drawn.iter("rect")}
    assert heights["dispatches"] == 2 * heights["cancels"]


def test_nothing_yet_is_said() -> None:
    text = str(day_bars([Day(number=20_780)]))
    assert "Nothing yet." in text
    assert not re.search(r'class="number"', text)


def test_no_day_is_no_error() -> None:
    assert "<svg" in day_bars([])
