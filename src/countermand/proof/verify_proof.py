"""Check a proof file of one order. Needs nothing but Python: `python verify_proof.py proof-10001.json`.

Every entry adds a hash to the one before it. This walks from the first entry of the order to the end of the
chain as the proof states it; compare that end with the one your shop keeps elsewhere.

What a proof shows is what was written, in that order. That it shows all of it is the word of whoever made it:
an entry that is left out looks like one of another order.
"""

import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - for an older Python, too


def digest(*fields: str) -> str:
    """SHA-256 over several texts, each with its length before it."""
    found = hashlib.sha256()
    for field in fields:
        raw = field.encode()
        found.update(len(raw).to_bytes(8, "big"))
        found.update(raw)
    return found.hexdigest()


def problems(proof: dict[str, Any]) -> list[str]:
    """What is wrong with a proof; empty when it holds."""
    if proof.get("format") != "countermand-proof-1":
        return ["this is not a proof of the known format"]
    found, current, seq = [], proof["before"], proof["first"]
    for link in proof["links"]:
        if isinstance(link, dict):
            if link["seq"] != seq:
                found.append(f"entry {seq} is missing; {link['seq']} stands in its place")
            if link["at"] != (_EPOCH + timedelta(microseconds=link["micros"])).isoformat():
                found.append(f"entry {seq} shows another time than the one that was hashed")
            own = f"order/{proof['order']}"
            if link["subject"] != own and not link["subject"].startswith(own + "/"):
                found.append(f"entry {seq} is about {link['subject']}, not about this order")
            content = digest(link["actor"], link["body"])
            link = digest(
                proof["chain"], str(seq), str(link["micros"]), link["event"], link["subject"], content
            )
        current, seq = digest(current, link), seq + 1
    if not any(isinstance(link, dict) for link in proof["links"]):
        found.append("it holds no entry of the order")
    if (seq - 1, current) != (proof["head_seq"], proof["head_hash"]):
        found.append("the entries do not lead to the end of the chain that the proof states")
    return found


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python verify_proof.py PROOF.json", file=sys.stderr)
        return 2
    try:
        proof = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        found = problems(proof)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        print(f"NOT PROVEN: this file is damaged ({type(error).__name__}: {error})")
        return 1
    except OSError as error:
        print(f"{sys.argv[1]} cannot be read: {error.strerror}.", file=sys.stderr)
        return 2
    for problem in found:
        print(f"NOT PROVEN: {problem}")
    if not found:
        own = sum(isinstance(link, dict) for link in proof["links"])
        print(f"Order {proof['order']}: {own} entries hold, up to entry {proof['head_seq']} of the chain,")
        print(f"whose hash is {proof['head_hash']}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
