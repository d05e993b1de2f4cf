"""The readable page of a proof: one file, nothing from elsewhere, fit to print."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from jinja2 import Environment, select_autoescape

from countermand.core.events import EVENT_MEANING
from countermand.ledger.proof import Proof, ProofEntry

#: What an entry says in everyday words: a headline, and what more there is to say (may be empty).
Telling = Callable[[ProofEntry], tuple[str, str]]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Proof of order {{ proof.order }}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem .45rem 0; }
th, td { border-bottom: 1px solid #8886; }
td:last-child { overflow-wrap: anywhere; padding-right: 0; }
code { font-size: .8rem; overflow-wrap: anywhere; }
.quiet { opacity: .75; font-size: .85rem; }
.at { font-variant-numeric: tabular-nums; min-width: 6rem; }
@media print {
  :root { color-scheme: light; font-size: 11px; } body { margin: 0; max-width: none; padding: 0; }
  tr, h2, p { break-inside: avoid; } h2 { break-after: avoid; }
}
</style></head><body>
<h1>Order {{ proof.order }}</h1>
<p>What happened to this order between both systems, from the beginning, as the journal of {{ proof.chain }}
holds it. Made {{ made_at }} UTC.</p>
<table>
<thead><tr><th scope="col">When (UTC)</th><th scope="col">Who</th><th scope="col">What</th></tr></thead>
<tbody>
{% for row in rows %}<tr><td class="at">{{ row.at }}</td><td>{{ row.who }}</td>
<td title="{{ row.meaning }}"><b>{{ row.what }}</b>
{% if row.said %}<br>{{ row.said }}{% endif %}
<br><span class="quiet">{{ row.about }}, entry {{ row.seq }}</span></td></tr>
{% endfor %}</tbody></table>
<h2>How to check it</h2>
<p>Each entry adds a hash to the one before it. The file beside this page holds the entries and the hashes
between them; <code>python verify_proof.py {{ file }}</code> walks them up to entry
{{ proof.head_seq }}, whose hash is</p><p><code>{{ proof.head_hash }}</code></p>
<p class="quiet">This page is for reading. What the file holds is what counts.</p>
</body></html>
"""

_MEANINGS = {event.value: meaning for event, meaning in EVENT_MEANING.items()}


def page(proof: Proof, tell: Telling, file: str) -> str:
    """The proof as one HTML page. `file`: the name of the file beside it that holds the proof itself."""
    environment = Environment(autoescape=select_autoescape(default_for_string=True))
    rows = [_row(entry, proof.order, tell) for entry in proof.entries]
    made_at = _moment(proof.made_at)
    return environment.from_string(_PAGE).render(proof=proof, rows=rows, made_at=made_at, file=file)


def _row(entry: ProofEntry, order: str, tell: Telling) -> dict[str, str]:
    what, said = tell(entry)
    return {
        "seq": str(entry.seq),
        "at": _moment(entry.at),
        "who": entry.actor[:1].upper() + entry.actor[1:],
        "what": what,
        "said": said,
        "meaning": _MEANINGS.get(entry.event, entry.event),  # a newer version may know more events
        "about": _about(entry, order),
    }


def _moment(text: str) -> str:
    """`23 Nov 2026, 14:05:09`, which no reader takes for another day."""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S}"


def _about(entry: ProofEntry, order: str) -> str:
    """`Order 10001, line s2001`, or the job that was read."""
    line = entry.subject.removeprefix(f"order/{order}").removeprefix("/line/")
    ref = json.loads(entry.body).get("extra", {}).get("ref", "")
    return ", ".join(part for part in (f"Order {order}", f"line {line}" if line else "", ref) if part)
