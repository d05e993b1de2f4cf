"""msgspec crashes the process when two threads look at the same type for the first time."""

from __future__ import annotations

import subprocess
import sys

_STORM = """
import sys, threading
import msgspec
from countermand.demo.value_types import prepare_types

def family(number):
    names = [f"Row{number}_{depth}" for depth in range(20)]
    for depth, name in enumerate(names):
        kind = f"{names[depth - 1]} | None" if depth else "None"
        fields = "".join(f"    f{field}: {kind} = None\\n" for field in range(30))
        exec(f"from __future__ import annotations\\nclass {name}(msgspec.Struct):\\n{fields}", globals())
    return globals()[names[-1]]

families = [family(number) for number in range(15)]
prepare_types()
sys.setswitchinterval(1e-6)
gate = threading.Barrier(6)

def storm():
    for kind in families:
        gate.wait()
        msgspec.convert({"f0": None}, kind)

threads = [threading.Thread(target=storm) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
"""


def test_prepared_types_stand_a_storm_of_threads() -> None:
    ended = subprocess.run([sys.executable, "-c", _STORM], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr[-2000:]
