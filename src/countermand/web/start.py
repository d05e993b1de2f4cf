"""First run: connecting a storefront and a MIS step by step, each step tried for real.

What is typed here is kept in memory only, until the set-up file is there; secrets go nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from countermand.access import Role
from countermand.app import utc_now
from countermand.config.keys import variable_name
from countermand.config.specs import INFIGO, PRINTIQ, Spec
from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.printiq import PrintIQMis, PrintIQSettings
from countermand.web.pages import service_of, show
from countermand.web.person import must_be, read_form, signed_in
from countermand.web.problem import Problem

_MOST_TEXT = 2000


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to fill in; `help` is the setting's own description."""

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    example: str = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two systems to connect; `table` is its place in the set-up file."""

    name: str
    title: str
    table: str
    fields: tuple[Field, ...]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What was filled in for one system, and what the try of it said (`problem` empty: it works)."""

    values: dict[str, str]
    problem: str
    at: datetime


class FirstRun:
    """What has been filled in so far."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.hook_tokens = {side: secrets.token_urlsafe(24) for side in ("storefront", "mis")}

    def works(self, kind: str) -> bool:
        return kind in self.attempts and not self.attempts[kind].problem


class _System(Protocol):
    async def check(self) -> str | None: ...

    async def aclose(self) -> None: ...


def _fields(specs: Sequence[Spec], wanted: Mapping[str, tuple[str, str]]) -> tuple[Field, ...]:
    known = {spec.name: spec for spec in specs}
    return tuple(
        Field(
            name=name,
            label=label,
            help=known[name].description.replace("`", ""),
            secret=known[name].secret,
            required=known[name].required,
            example=example,
        )
        for name, (label, example) in wanted.items()
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        name="infigo",
        title="Infigo",
        table="infigo.shop",
        fields=_fields(
            INFIGO,
            {
                "base_url": ("Address of the storefront", "https://shop.example.com"),
                "storefront_id": ("Storefront id", "acme-print"),
                "token": ("API token", ""),
                "megascript_secret": ("Secret of the installed MegaScript", ""),
            },
        ),
    ),
    Kind(
        name="printiq",
        title="printIQ",
        table="printiq.plant",
        fields=_fields(
            PRINTIQ,
            {
                "base_url": ("Address of printIQ", "https://plant.printiq.com"),
                "username": ("User name of the integration user", ""),
                "password": ("Password", ""),
                "application_name": ("Application name", ""),
                "application_key": ("Application key", ""),
                "odata_token": ("OData access token", ""),
            },
        ),
    ),
)


def start(request: Request) -> Response:
    """The steps, and how far they are."""
    service, run, person = service_of(request), _run(request), signed_in(request)
    with service.engine.begin() as database:
        return show(
            request,
            "start.html",
            database,
            kinds=KINDS,
            attempts=run.attempts,
            works={kind.name: run.works(kind.name) for kind in KINDS},
            running=list(service.running),
            file=set_up_file(run),
            variables=_variables(run),
            origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
            hook_tokens=run.hook_tokens,
            may_try=person is None or person.role.includes(Role.ADMIN),
            keeps_people=person is not None,
        )


def _run(request: Request) -> FirstRun:
    run: FirstRun = request.app.state.first_run
    if service_of(request).running:
        # Nothing that was typed is kept once it is no longer needed.
        run.attempts.clear()
    return run


async def try_system(request: Request) -> Response:
    """Try one system with what was filled in: read only, nothing is written to it."""
    must_be(request, Role.ADMIN)
    form, run = await read_form(request), _run(request)
    if service_of(request).running:
        raise Problem(409, "Systems are connected already; change them in the set-up file.")
    kind = next((each for each in KINDS if each.name == request.path_params["system"]), None)
    if kind is None:
        raise Problem(404, "There is no such system to connect.")
    values = _values(kind, form, run.attempts.get(kind.name))
    run.attempts[kind.name] = Attempt(values=values, problem=await _problem(kind, values), at=utc_now())
    return RedirectResponse(f"/start#{kind.name}", 303)


def _values(kind: Kind, form: FormData, before: Attempt | None) -> dict[str, str]:
    """What was typed; a secret that was left empty stays what it was, for it is never sent back.

    At another address it is asked for anew: what somebody typed for one system goes to no other.
    """
    values = {field.name: str(form.get(field.name, "")).strip()[:_MOST_TEXT] for field in kind.fields}
    if before is None or before.values.get("base_url") != values["base_url"]:
        return values
    for field in kind.fields:
        if field.secret and not values[field.name]:
            values[field.name] = before.values.get(field.name, "")
    return values


async def _problem(kind: Kind, values: Mapping[str, str]) -> str:
    filled = {name: value for name, value in values.items() if value}
    missing = [field.label for field in kind.fields if field.required and field.name not in filled]
    if missing:
        return f"Still to be filled in: {', '.join(missing)}."
    try:
        system = _system(kind, filled)
    except (ValueError, msgspec.ValidationError) as error:
        return str(error)
    try:
        return await system.check() or ""
    finally:
        await system.aclose()


def _system(kind: Kind, filled: dict[str, str]) -> _System:
    if kind.name == "infigo":
        return InfigoStorefront(msgspec.convert(filled, InfigoSettings), clock=utc_now)
    return PrintIQMis(msgspec.convert(filled, PrintIQSettings), clock=utc_now)


# The set-up file


def set_up_file(run: FirstRun) -> str:
    """The set-up file for what works so far; no secret stands in it."""
    tables = [_table(kind, run.attempts[kind.name].values) for kind in KINDS if kind.name in run.attempts]
    connection = (
        '[connections.main]\nstorefront = "shop"\nmis = "plant"\n\n'
        "[connections.main.hook_tokens]\n"
        + "".join(
            f'{side} = {{ env = "{variable_name(f"connections.main.hook_tokens.{side}")}" }}\n'
            for side in run.hook_tokens
        )
    )
    return "\n".join([*tables, connection])


def _table(kind: Kind, values: Mapping[str, str]) -> str:
    lines = [f"[{kind.table}]"]
    for field in kind.fields:
        value = values.get(field.name, "")
        if not value:
            continue
        place = f'{{ env = "{variable_name(f"{kind.table}.{field.name}")}" }}'
        lines.append(f"{field.name} = {place if field.secret else msgspec.json.encode(value).decode()}")
    return "\n".join(lines) + "\n"


def _variables(run: FirstRun) -> list[str]:
    """Names of the environment variables that hold the secrets."""
    names = [
        variable_name(f"{kind.table}.{field.name}")
        for kind in KINDS
        for field in kind.fields
        if field.secret and kind.name in run.attempts and run.attempts[kind.name].values.get(field.name)
    ]
    return [*names, *(variable_name(f"connections.main.hook_tokens.{side}") for side in run.hook_tokens)]


def start_file(request: Request) -> Response:
    """The set-up file to save."""
    headers = {"content-disposition": 'attachment; filename="countermand.toml"'}
    return PlainTextResponse(set_up_file(_run(request)), headers=headers)
