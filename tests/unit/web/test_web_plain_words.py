"""No internal word reaches a person: templates, texts, steps and refusals are held against a list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest

from countermand.bridge import cancel_here, people
from countermand.bridge.steps import About, steps
from countermand.bridge.sweep import SKIP_MEANING
from countermand.core.cancellation import CancellationState, MoneyState
from countermand.core.command import Outcome
from countermand.core.events import Event
from countermand.core.policy import Mode, Policy
from countermand.core.table import ROWS
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.web import pages, rules_page, words

#: Words of the code and of its trade.
INTERNAL = (
    "verdict", "merge", "facts", "intent", "push", "pushes", "converge", "idempotent", "payload", "posture",
    "phase", "authority", "shard", "ledger", "level-triggered", "fenced", "sighting", "sighted", "hint",
    "hints", "enum", "upsert", "null", "boolean", "exception", "traceback", "endpoint", "dispatcher",
    "quarantine", "quarantined", "egress", "ingress", "deed", "milestone", "reconcile", "reconciliation",
    "guard", "guards", "policy", "unmapped", "settlement", "capability", "capabilities", "hook",
    "hooks", "backend", "frontend", "daemon", "mutex", "commit", "rollback", "token", "tokens",
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z][A-Za-z-]+")
_WEB = Path(pages.__file__).parent
#: Words that stand on a screen because the vendors' own screens, or the set-up file, say them.
ALLOWED = {
    "start.html": {"token", "tokens", "hooks"},  # the vendor's "API token"; the address itself
}


def _shown(template: str) -> str:
    """What of a template a person reads: text, titles, labels, placeholders; and texts in expressions."""
    text = re.sub(r"{#.*?#}", " ", template, flags=re.S)
    quoted = " ".join(
        found
        for expression in re.findall(r"{{(.*?)}}|{%(.*?)%}", text, flags=re.S)
        for piece in expression
        for found in re.findall(r'"([^"]*[ A-Z][^"]*)"', piece)
    )
    plain = re.sub(r"{{.*?}}|{%.*?%}", " ", text, flags=re.S)
    told = " ".join(re.findall(r'(?:title|aria-label|placeholder|alt|data-confirm)="([^"]*)"', plain))
    return f"{re.sub(r'<[^>]*>', ' ', plain)} {told} {quoted}"


@pytest.mark.parametrize("template", sorted(path.name for path in (_WEB / "templates").iterdir()))
def test_templates_speak_plainly(template: str) -> None:
    text = _shown((_WEB / "templates" / template).read_text())
    found = _internal(text) - ALLOWED.get(template, set())
    assert not found, f"{template} says {sorted(found)} to people"


def _internal(text: str) -> set[str]:
    return {word for word in map(str.lower, _WORD.findall(text)) if word in INTERNAL}


def test_the_check_itself_finds_an_internal_word() -> None:
    assert _internal(_shown('<p title="the verdict">{{ "Merge it" if x }} by push</p>')) == {
        "verdict",
        "merge",
        "push",
    }


def _texts() -> Iterator[str]:
    names = words.Names()
    yield from (text for state in words.STATES.values() for text in (state[0], state[3]))
    yield from (label for label, _ in words.URGENCIES.values())
    yield from (text for pair in words.MODES.values() for text in pair)
    for table in (words.CHANGES, words.OUTCOMES, words.LIVES, words.MONEY, words.CLOSED_HOW, words.DONE):
        yield from table.values()
    yield from map(words.event, Event)
    yield from (names.named(row.why) for row in ROWS)
    yield from map(names.why, words.KNOWN_RULES)
    yield from SKIP_MEANING.values()
    yield from (label for label, _, _ in rules_page.DECISIONS.values())
    for kind, about in TASK_TYPES.items():
        yield from (about.title, about.cost)
        yield from (
            step.text for step in steps(kind, About(order_id="1", storefront="Infigo", mis="printIQ"))
        )


def test_texts_speak_plainly() -> None:
    said = {text: found for text in _texts() if (found := _internal(text))}
    assert not said


@pytest.mark.parametrize("module", [people, cancel_here])
def test_refusals_speak_plainly(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    refusals = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_refusal(node)]
    assert refusals
    for refusal in refusals:
        text = " ".join(
            str(piece.value)
            for piece in ast.walk(refusal)
            if isinstance(piece, ast.Constant) and isinstance(piece.value, str)
        )
        assert not _internal(text), text


def _is_refusal(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name | ast.Attribute) and "RefusedError" in ast.unparse(call.func)


# Nothing is without a word


@pytest.mark.parametrize(
    ("known", "every"),
    [
        (words.EVENTS, Event),
        (words.OUTCOMES, Outcome),
        (words.LIVES, CancellationState),
        (words.MONEY, MoneyState),
        (words.MODES, Mode),
    ],
)
def test_everything_has_a_word(known: dict[object, object], every: type[StrEnum]) -> None:
    assert set(known) == set(every)


def test_every_rule_and_limit_that_the_core_names_has_a_sentence() -> None:
    core = Path(str(words.__file__)).parents[1] / "core"
    named = {
        match
        for module in ("merge.py", "own_write.py", "guards.py", "plan.py", "judge.py")
        for match in re.findall(
            r"(?:Ask|Wait|InStep|Settled|Hold|Stop|Push)\(\s*f?\"([a-z-]+[a-z])\"|because=\"([a-z-]+)\"",
            (core / module).read_text(),
        )
        for match in match
        if match
    } | {row.rule for row in ROWS}
    missing = {rule for rule in named if rule not in words.KNOWN_RULES}
    assert not missing
    assert len(named) > 20


def test_every_limit_of_the_rules_has_a_label() -> None:
    settings = set(Policy.__struct_fields__) - {
        "cancel_to_mis",
        "cancel_to_storefront",
        "ship_to_storefront",
    }
    assert settings <= set(rules_page.LABELS)


def test_an_unknown_rule_still_reads_as_a_sentence() -> None:
    assert words.why("something-new") == "Something new."


def test_every_kind_of_task_is_titled() -> None:
    assert set(TASK_TYPES) == set(TaskKind)
