"""Statements that are run for every look at an order, made ready once.

What SQLAlchemy does around one statement takes many times as long as SQLite needs to run it. So for SQLite
the few that are run all the time are compiled once, with what turns their values into stored ones and back,
and are given to the driver itself. Any other database runs them the ordinary way: there it is the way to the
server that takes time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Executable, SelectBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

Convert = Callable[[Any], Any] | None
Values = Mapping[str, object]
Row = tuple[Any, ...]

#: So many lengths of a list of values are kept ready; a longer history of lengths starts anew.
_MOST_FORMS = 256


class Prepared:
    """One statement. `columns`: of an insert, the columns that every row has."""

    def __init__(self, statement: Executable, *columns: str) -> None:
        self._statement: Any = statement
        self._columns = columns or None
        self._binds: dict[str, Any] = {}
        self._lists: tuple[str, ...] = ()
        self._forms: dict[tuple[int, ...], _Form] = {}

    def all(self, database: Connection, values: Values) -> Sequence[Row]:
        """Every row that a query finds."""
        if database.dialect.name != "sqlite":
            return [tuple(row) for row in database.execute(self._statement, values)]
        return self._form(database.dialect, values).rows(_driver(database), values)

    def read(self, engine: Engine, values: Values) -> Sequence[Row]:
        """Every row that a query finds, in a transaction of its own."""
        if engine.dialect.name != "sqlite":
            with engine.begin() as database:
                return [tuple(row) for row in database.execute(self._statement, values)]
        form = self._form(engine.dialect, values)
        with closing(_raw(engine)) as connection:
            return form.rows(_sqlite(connection), values)

    def run(self, database: Connection, values: Values) -> int:
        """Change something; how many rows it was."""
        if database.dialect.name != "sqlite":
            return int(database.execute(self._statement, values).rowcount)
        return self._form(database.dialect, values).run(_driver(database), values)

    def run_many(self, database: Connection, rows: Sequence[Values]) -> None:
        """The same once for each of some rows; they all have the same keys."""
        if database.dialect.name != "sqlite":
            database.execute(self._statement, list(rows))
            return
        self._form(database.dialect, rows[0]).run_many(_driver(database), rows)

    def _form(self, dialect: Dialect, values: Values) -> _Form:
        """The statement as text; one for each length of the lists among its values."""
        if not self._binds:
            self._binds = self._statement.compile(dialect=dialect, column_keys=self._columns).binds
            self._lists = tuple(name for name, bind in self._binds.items() if bind.expanding)
        lengths = tuple([len(values[name]) for name in self._lists])  # type: ignore[arg-type]
        form = self._forms.get(lengths)
        if form is None:
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            form = self._forms[lengths] = self._formed(dialect, values)
        return form

    def _formed(self, dialect: Dialect, values: Values) -> _Form:
        statement = self._statement.params(**values) if self._lists else self._statement
        render = {"render_postcompile": True}
        compiled = statement.compile(dialect=dialect, column_keys=self._columns, compile_kwargs=render)
        ins = [_value_of(name, self._binds, dialect) for name in compiled.positiontup]
        return _Form(str(compiled), ins, _results(statement, dialect))


class _Form:
    """A statement in the database's own words, and how its values go in and its rows come out."""

    def __init__(
        self,
        sql: str,
        values: Sequence[Callable[[Values], Any]],
        results: Sequence[tuple[int, Callable[[Any], Any]]],
    ) -> None:
        self._sql = sql
        self._values = values
        self._results = results

    def rows(self, driver: sqlite3.Connection, values: Values) -> list[Row]:
        try:
            rows = driver.execute(self._sql, self._bound(values)).fetchall()
        except sqlite3.Error as error:
            raise _as_ours(self._sql, error) from error
        if not rows or not self._results:
            return rows
        return [self._converted(row) for row in rows]

    def run(self, driver: sqlite3.Connection, values: Values) -> int:
        try:
            return driver.execute(self._sql, self._bound(values)).rowcount
        except sqlite3.Error as error:
            raise _as_ours(self._sql, error) from error

    def run_many(self, driver: sqlite3.Connection, rows: Sequence[Values]) -> None:
        try:
            driver.executemany(self._sql, [self._bound(row) for row in rows])
        except sqlite3.Error as error:
            raise _as_ours(self._sql, error) from error

    def _bound(self, values: Values) -> list[Any]:
        return [value(values) for value in self._values]

    def _converted(self, row: Row) -> Row:
        converted = list(row)
        for place, convert in self._results:
            converted[place] = convert(converted[place])
        return tuple(converted)


def _value_of(name: str, binds: Mapping[str, Any], dialect: Dialect) -> Callable[[Values], Any]:
    """Where one value of a statement comes from: a name, a place in a list of that name, or the statement."""
    if name in binds:
        bind = binds[name]
        convert: Convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if not bind.required:
            fixed = bind.effective_value if convert is None else convert(bind.effective_value)
            return lambda _values: fixed
        return itemgetter(name) if convert is None else _converting(itemgetter(name), convert)
    listed, _, number = name.rpartition("_")  # `values_3` is the third of the list `values`
    convert, place = binds[listed].type.dialect_impl(dialect).bind_processor(dialect), int(number) - 1
    return _converting(lambda values: values[listed][place], convert or _as_it_is)  # type: ignore[index]


def _converting(given: Callable[[Values], Any], convert: Callable[[Any], Any]) -> Callable[[Values], Any]:
    return lambda values: convert(given(values))


def _as_it_is(value: object) -> object:
    return value


def _results(statement: Any, dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Places in a row of which the stored value is not the value that is meant."""
    if not isinstance(statement, SelectBase):
        return []
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(statement.selected_columns):
        convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if convert is not None:
            found.append((place, convert))
    return found


def _driver(database: Connection) -> sqlite3.Connection:
    return _sqlite(database.connection)


def _sqlite(connection: PoolProxiedConnection) -> sqlite3.Connection:
    driver = connection.driver_connection
    assert isinstance(driver, sqlite3.Connection), "a SQLite database has SQLite's driver"
    return driver


def _raw(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except sqlite3.Error as error:
        raise _as_ours("", error) from error


def _as_ours(sql: str, error: sqlite3.Error) -> Exception:
    """What SQLAlchemy would have raised."""
    return DBAPIError.instance(sql, None, error, sqlite3.Error)
