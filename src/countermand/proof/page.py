"""The readable page of a proof: one file, nothing from elsewhere, fit to print."""

from __future__ import annotations

import json

from jinja2 import Environment, select_autoescape

from countermand.core.events import EVENT_MEANING
from countermand.ledger.proof import Proof, ProofEntry

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Proof of order {{ proof.order }}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid #8884; }
code { font-size: .8rem; overflow-wrap: anywhere; }
.quiet { opacity: .7; font-size: .85rem; }
</style></head><body>
<h1>Order {{ proof.order }}</h1>
<p>What happened to this order between both systems, as the journal of {{ proof.chain }} holds it.
Made {{ proof.made_at }} (UTC).</p>
<table><thead><tr><th>When (UTC)</th><th>Who</th><th>What</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row.at }}</td><td>{{ row.who }}</td><td>{{ row.what }}
{% if row.said %}<br><span>{{ row.said }}</span>{% endif %}
<br><span class="quiet">{{ row.about }}, entry {{ row.seq }}</span></td></tr>
{% endfor %}</tbody></table>
<h2>How to check it</h2>
<p>Each entry adds a hash to the one before it. The file beside this page holds the entries and the hashes
between them; <code>python verify_proof.py proof-{{ proof.order }}.json</code> walks them up to entry
{{ proof.head_seq }}, whose hash is</p><p><code>{{ proof.head_hash }}</code></p>
</body></html>
"""

_MEANINGS = {event.value: meaning for event, meaning in EVENT_MEANING.items()}


def page(proof: Proof) -> str:
    """The proof as one HTML page."""
    environment = Environment(autoescape=select_autoescape(default_for_string=True))
    return environment.from_string(_PAGE).render(proof=proof, rows=[_row(entry) for entry in proof.entries])


def _row(entry: ProofEntry) -> dict[str, str]:
    body = json.loads(entry.body)
    change = " → ".join(part for part in (body.get("before", ""), body.get("after", "")) if part)
    extra = ", ".join(f"{name} {value}" for name, value in body.get("extra", {}).items())
    return {
        "seq": str(entry.seq),
        "at": entry.at[:19].replace("T", " "),
        "who": entry.actor,
        "what": _MEANINGS.get(entry.event, entry.event),  # a newer version may know more events
        "said": "; ".join(part for part in (change, body.get("why", ""), extra) if part),
        "about": entry.subject,
    }
