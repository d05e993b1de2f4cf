"""How an export writes dates and numbers, found in a sample; and the SQL that reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum


class DateStyle(StrEnum):
    ISO = "year-month-day"
    DAY_FIRST = "day/month/year"
    MONTH_FIRST = "month/day/year"


class NumberStyle(StrEnum):
    POINT = "1,234.56"
    COMMA = "1.234,56"


_NUMERIC_DATE = re.compile(r"^(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})")
_COMMA_DECIMAL = re.compile(r"\d,\d{1,2}$|\d,\d{4,}$|\.\d{3},\d|\d,\d+E[+-]?\d", re.IGNORECASE)
_POINT_DECIMAL = re.compile(r"\d\.\d{1,2}$|\d\.\d{4,}$|,\d{3}\.\d|\d\.\d+E[+-]?\d", re.IGNORECASE)
#: What stands behind a number: a currency, a unit, a dash for no cents.
_BEHIND = re.compile(r"\D+$")
#: How a spreadsheet shows a number that is too long for its column, and saves it.
_EXPONENT = r"\s*-?[0-9]+(,[0-9]+)?[eE][+-]?[0-9]+\s*"
_CURRENCY = re.compile(r"[€£$¥]|\b[A-Z]{3}\b")


def date_style(values: Sequence[str]) -> tuple[DateStyle | None, bool]:
    """The style of a column's dates, and whether the sample proves it. None: the column holds no dates.

    03/04/2026 alone proves nothing; it is read as day/month, as printIQ's and Infigo's home markets write.
    """
    found = [match for value in values if (match := _NUMERIC_DATE.match(value.strip()))]
    if not found:
        named = any(re.match(r"^\d{1,2}[ -][A-Za-z]{3}", value.strip()) for value in values)
        return (DateStyle.DAY_FIRST, True) if named else (None, False)
    if all(len(match.group(1)) == 4 for match in found):
        return DateStyle.ISO, True
    first, second = max(int(match.group(1)) for match in found), max(int(match.group(2)) for match in found)
    if second > 12:
        return DateStyle.MONTH_FIRST, first <= 12
    return DateStyle.DAY_FIRST, first > 12


def number_style(values: Sequence[str]) -> NumberStyle:
    """Decimal comma only where the sample shows one and no decimal point."""
    texts = [_BEHIND.sub("", value) for value in values]
    comma = any(_COMMA_DECIMAL.search(text) for text in texts)
    return NumberStyle.COMMA if comma and not any(map(_POINT_DECIMAL.search, texts)) else NumberStyle.POINT


def currency(values: Sequence[str]) -> str:
    """The one currency sign or code that a column of prices carries, else nothing."""
    found = {match.group(0) for value in values if (match := _CURRENCY.search(value))}
    return found.pop() if len(found) == 1 else ""


def number_sql(column: str, style: NumberStyle) -> str:
    """A DOUBLE from text: a plain number fast, else without currency signs and thousands separators."""
    if style is NumberStyle.COMMA:
        bare = f"replace(replace(regexp_replace({column}, '[^0-9.,-]', '', 'g'), '.', ''), ',', '.')"
        value = (
            f"try_cast(CASE WHEN regexp_full_match({column}, '{_EXPONENT}') "
            f"THEN replace({column}, ',', '.') ELSE {bare} END AS DOUBLE)"
        )
    else:
        bare = f"regexp_replace({column}, '[^0-9.-]', '', 'g')"
        value = f"coalesce(try_cast({column} AS DOUBLE), try_cast({bare} AS DOUBLE))"
    return f"(CASE WHEN isfinite({value}) THEN {value} END)"


def timestamp_sql(column: str, style: DateStyle) -> str:
    """A UTC TIMESTAMP from text in the style; NULL where it is none."""
    day_first = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d/%m/%y")
    dates = {
        DateStyle.ISO: ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
        DateStyle.DAY_FIRST: day_first,
        DateStyle.MONTH_FIRST: ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y"),
    }[style]
    times = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p")
    formats = ", ".join(f"'{date}{time}'" for time in times for date in dates)
    parsed = f"try_strptime(trim({column}), [{formats}])"
    if style is DateStyle.ISO:
        # Offsets and a trailing Z are read; without one the time counts as UTC.
        return f"coalesce(try_cast(trim({column}) AS TIMESTAMPTZ) AT TIME ZONE 'UTC', {parsed})"
    return parsed
