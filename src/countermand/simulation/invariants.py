"""What must hold at every step of every history: its name, and what it promises in plain words.

Each has a test that breaks the code on purpose and shows that a simulated history finds it.
"""

from __future__ import annotations

from collections.abc import Mapping

CONFLICT = "cancelled-and-sent-has-a-task"
CONVERGES = "still-lines-are-in-step-or-have-a-task"
TRUTH = "what-we-show-is-what-is-there"
NO_IDLE_TASK = "no-task-outlives-its-reason"
ONCE = "each-command-once"
GUARDS = "no-cancel-without-its-guards"
VERDICT = "every-sighting-has-a-verdict"
NO_OLD_NEWS = "old-news-changes-nothing"
EXPLAINED = "the-journal-explains-every-write"
NEVER_BACK = "nothing-is-undone-by-us"
CHAIN = "the-journal-holds"
COUNTS = "counts-add-up"
NO_ERROR = "no-step-ends-in-an-error"

MEANING: Mapping[str, str] = {
    CONFLICT: "No line stays cancelled in one system and sent in the other without an open task.",
    CONVERGES: "A line that holds still in both is in step, settled, or has a task, in bounded time.",
    TRUTH: "What we show of a line that holds still is what the two systems show, in bounded time.",
    NO_IDLE_TASK: "A task that both systems have made needless closes by itself, in bounded time.",
    ONCE: "A command is sent once; again only after no clear answer, after a look, and at most once.",
    GUARDS: "No cancel is written inside the undo window, past the cut-off, against the brake, the mode, the "
    "value limit or the opening hours of its order, or on an old read, unless a person said so; and nothing "
    "is written that a system does not offer, nor about an old order at first sight.",
    VERDICT: "Every change of what a system shows is stored as a sighting, and every line has a verdict.",
    NO_OLD_NEWS: "A read that began earlier never replaces one that began later, and no version is lost.",
    EXPLAINED: "Every write is stored before it leaves, and its answer, proof or task after it; what is "
    "called proven is so.",
    NEVER_BACK: "No write of ours un-cancels, ships what is cancelled, or moves a shipping status back.",
    CHAIN: "The journal's chain verifies from its first entry to its last.",
    COUNTS: "Cases, tables and journal tell the same numbers, and no acknowledged message is gone.",
    NO_ERROR: "No step of the loop ends in an error of ours, whatever the two systems say.",
}
