#!/usr/bin/env python3
"""How fast `countermand compare` is, beside other ways to the same answer, on the same files in the same run.

    scripts/bench_compare.py [--rows 1000000 10000000] [--bench-python PATH] [--json FILE]

Makes two exports of each size with known drift in them (keys shuffled apart), then runs each contender in a
process of its own under an address limit of 20 GiB: ours, a hand-written DuckDB query, pandas, and datacompy
on polars. Reports wall time, processor time and peak memory; running out of memory is a result, and so is a
wrong count of differences. The other tools live in a virtual environment that this script makes from
requirements-bench.lock, unless --bench-python names one.
"""

# ruff: noqa: E501 - the queries stand as they would be typed
from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS_LIMIT = 20 << 30
#: A contender that takes longer is stopped, and that is its result.
TIME_LIMIT = 1_800
CONTENDERS = ("countermand", "duckdb", "pandas", "datacompy", "datacompy-unique")
#: One order in so many has this drift; the rest of the orders are in step.
DRIFT = {
    "cancelled_but_dispatched": 2_000,
    "cancelled_in_storefront_only": 1_000,
    "cancelled_in_mis_only": 2_000,
    "shipped_in_mis_only": 1_000,
    "shipped_in_storefront_only": 2_500,
    "quantity_differs": 4_000,
    "tracking_differs": 2_500,
    "only_in_storefront": 5_000,
    "only_in_mis": 5_000,
    "unmapped_status": 5_000,
    "ambiguous_key": 10_000,
}


def generate(folder: Path, rows: int) -> dict[str, int]:
    """Write infigo.csv and printiq.csv of `rows` rows each; returns how many differences are to be found."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    storefront, mis = folder / "infigo.csv", folder / "printiq.csv"
    bounds, at = {}, 0
    for kind, one_in in DRIFT.items():
        bounds[kind] = (at, at + max(rows // one_in, 1))
        at = bounds[kind][1]
    drift = " ".join(f"WHEN i < {end} THEN '{kind}'" for kind, (_, end) in bounds.items())
    sizes = {kind: end - start for kind, (start, end) in bounds.items()}
    # A contradictory second row on each side keeps both files at the same number of rows.
    orders = rows - sizes["ambiguous_key"] + sizes["only_in_storefront"]
    with duckdb.connect() as db:
        db.execute(f"""
            CREATE VIEW orders AS
            SELECT i, 40000000 + i AS order_id, coalesce(CASE {drift} END, 'in_step') AS kind,
                   i % 10 < 4 AS sent, i % 97 = 0 AS cancelled,
                   (ARRAY['Hawthorn Café', 'Northgate Dental', 'Ridge & Peak Outdoor', 'Kauri Real Estate',
                          'Lumen Yoga Studio'])[i % 5 + 1] AS customer,
                   (ARRAY['Business cards, 400 gsm', 'A5 flyers, 170 gsm gloss', 'Roller banner 850 x 2000',
                          'Perfect-bound brochure'])[i % 4 + 1] AS product,
                   (i % 20 + 1) * 50 AS quantity, round(i % 977 * 0.83 + 12, 2) AS price,
                   strftime(DATE '2026-01-05' + (i % 300)::INTEGER, '%d/%m/%Y') AS placed
            FROM range({orders}) AS numbers(i)
        """)
        db.execute(f"""
            COPY (
                SELECT order_id AS "Order ID", customer AS "Customer", product AS "Product",
                       CASE WHEN kind IN ('cancelled_but_dispatched', 'cancelled_in_storefront_only') OR twice = 2
                              OR (kind = 'in_step' AND cancelled) THEN 'Cancelled'
                            WHEN kind IN ('shipped_in_storefront_only', 'tracking_differs')
                              OR (kind = 'in_step' AND sent) THEN 'Complete'
                            ELSE 'Processing' END AS "Order Status",
                       CASE WHEN (kind IN ('shipped_in_storefront_only', 'tracking_differs')
                              OR (kind = 'in_step' AND sent)) AND NOT (kind = 'in_step' AND cancelled)
                            THEN 'Shipped' ELSE 'Not Yet Shipped' END AS "Shipping Status",
                       quantity AS "Quantity", price AS "Price", placed AS "Order Date",
                       'Paid' AS "Payment Status",
                       CASE WHEN kind = 'tracking_differs' THEN 'OLD' || i
                            WHEN (kind = 'in_step' AND sent AND NOT cancelled)
                              OR kind = 'shipped_in_storefront_only' THEN 'NZ' || (700000000 + i) END
                         AS "Tracking Number"
                FROM orders, range(1, 3) AS copies(twice)
                WHERE (twice = 1 OR kind = 'ambiguous_key') AND kind <> 'only_in_mis'
                ORDER BY hash(i + twice)
            ) TO '{storefront}' (HEADER)
        """)
        db.execute(f"""
            COPY (
                SELECT 'J' || (29000000 + i) || '-0' || twice AS "Job No", order_id AS "Customer Reference",
                       customer AS "Customer", product AS "Job Title",
                       CASE WHEN kind = 'unmapped_status' THEN 'Parked at finisher'
                            WHEN kind = 'cancelled_in_mis_only' OR twice = 2
                              OR (kind = 'in_step' AND cancelled) THEN 'Cancelled'
                            WHEN kind IN ('cancelled_but_dispatched', 'shipped_in_mis_only', 'tracking_differs')
                              OR (kind = 'in_step' AND sent) THEN 'Dispatched'
                            WHEN i % 3 = 0 THEN 'Awaiting Artwork' ELSE 'In Production' END AS "Status",
                       CASE WHEN kind = 'quantity_differs' THEN quantity * 2 ELSE quantity END AS "Quantity",
                       placed AS "Date Accepted", placed AS "Due Date",
                       'Q' || (1000000 + i) || 'v1' AS "Quote No",
                       CASE WHEN kind IN ('cancelled_but_dispatched', 'shipped_in_mis_only', 'tracking_differs')
                              OR (kind = 'in_step' AND sent AND NOT cancelled) THEN 'NZ' || (700000000 + i) END
                         AS "Tracking Code"
                FROM orders, range(1, 3) AS copies(twice)
                WHERE (twice = 1 OR kind = 'ambiguous_key') AND kind <> 'only_in_storefront'
                ORDER BY hash(i * 7 + twice)
            ) TO '{mis}' (HEADER)
        """)
    return sizes


# --- the contenders: each reads two files and writes every difference to `out` as CSV -----------------------


def run_duckdb(storefront: str, mis: str, out: str) -> None:
    """What a data engineer would write by hand who knows these two files and needs the same list."""
    import duckdb

    duckdb.execute(f"""
        COPY (
            WITH s AS (
                SELECT trim("Order ID") AS k, count(*) AS n, any_value("Customer") AS customer,
                       min("Order Status" || ' / ' || "Shipping Status") AS status,
                       max("Order Status" || ' / ' || "Shipping Status") AS other_status,
                       sum(try_cast("Quantity" AS BIGINT)) AS quantity, sum(try_cast("Price" AS DOUBLE)) AS price,
                       min("Tracking Number") AS tracking
                FROM read_csv('{storefront}', header=true, all_varchar=true) GROUP BY 1
            ), m AS (
                SELECT trim("Customer Reference") AS k, count(*) AS n, min("Job No") AS job, min("Status") AS status,
                       max("Status") AS other_status, sum(try_cast("Quantity" AS BIGINT)) AS quantity,
                       min("Tracking Code") AS tracking
                FROM read_csv('{mis}', header=true, all_varchar=true) GROUP BY 1
            ), judged AS (
                SELECT CASE
                    WHEN m.k IS NULL THEN 'only_in_storefront'
                    WHEN s.k IS NULL THEN 'only_in_mis'
                    WHEN s.status <> s.other_status AND m.status <> m.other_status THEN 'ambiguous_key'
                    WHEN s.status NOT IN ('Processing / Not Yet Shipped', 'Complete / Shipped',
                                          'Cancelled / Not Yet Shipped')
                      OR m.status NOT IN ('Awaiting Artwork', 'In Production', 'Dispatched', 'Cancelled')
                    THEN 'unmapped_status'
                    WHEN s.status LIKE 'Cancelled%' AND m.status = 'Cancelled' THEN 'in_step'
                    WHEN s.status LIKE 'Cancelled%' AND m.status = 'Dispatched' THEN 'cancelled_but_dispatched'
                    WHEN s.status LIKE '%/ Shipped' AND m.status = 'Cancelled' THEN 'cancelled_but_dispatched'
                    WHEN s.status LIKE 'Cancelled%' THEN 'cancelled_in_storefront_only'
                    WHEN m.status = 'Cancelled' THEN 'cancelled_in_mis_only'
                    WHEN s.status LIKE '%/ Shipped' AND m.status <> 'Dispatched' THEN 'shipped_in_storefront_only'
                    WHEN s.status NOT LIKE '%/ Shipped' AND m.status = 'Dispatched' THEN 'shipped_in_mis_only'
                    WHEN s.quantity <> m.quantity THEN 'quantity_differs'
                    WHEN m.status = 'Dispatched' AND m.tracking IS NOT NULL
                      AND s.tracking IS DISTINCT FROM m.tracking THEN 'tracking_differs'
                    ELSE 'in_step' END AS class,
                    coalesce(s.k, m.k) AS key, s.customer, m.job, s.status AS storefront_status,
                    m.status AS mis_status, s.quantity, m.quantity AS mis_quantity, s.tracking,
                    m.tracking AS mis_tracking, s.price
                FROM s FULL JOIN m ON s.k = m.k
            )
            SELECT * FROM judged WHERE class <> 'in_step' ORDER BY class, price DESC
        ) TO '{out}' (HEADER)
    """)


def run_pandas(storefront: str, mis: str, out: str) -> None:
    """The usual notebook: read, outer merge, classify with masks."""
    import numpy as np
    import pandas as pd

    def mixed(rows: pd.DataFrame, key: str, status: str) -> set[str]:
        """The keys whose rows do not all say the same."""
        repeated = rows.loc[rows.duplicated(key, keep=False), [key, status]].drop_duplicates()
        return set(repeated.loc[repeated.duplicated(key), key])

    unused = {"Product", "Order Date", "Payment Status", "Quote No", "Job Title", "Date Accepted", "Due Date"}
    first = pd.read_csv(storefront, dtype=str, usecols=lambda name: name not in unused)
    second = pd.read_csv(mis, dtype=str, usecols=lambda name: name not in unused | {"Customer"})
    first["state"] = first.pop("Order Status") + " / " + first.pop("Shipping Status")
    ambiguous = mixed(first, "Order ID", "state") & mixed(second, "Customer Reference", "Status")
    both = first.drop_duplicates("Order ID").merge(
        second.drop_duplicates("Customer Reference"),
        how="outer",
        left_on="Order ID",
        right_on="Customer Reference",
        suffixes=("", "_mis"),
    )
    both = both.rename(columns={"Status": "status", "Quantity": "quantity", "Quantity_mis": "quantity_mis"})
    both = both.rename(columns={"Tracking Number": "tracking", "Tracking Code": "tracking_mis"})
    cancelled, gone = both["state"].str.startswith("Cancelled") == True, both["status"] == "Cancelled"  # noqa: E712
    shipped, sent = both["state"].str.endswith("/ Shipped") == True, both["status"] == "Dispatched"  # noqa: E712
    rules = [
        (both["status"].isna(), "only_in_storefront"),
        (both["state"].isna(), "only_in_mis"),
        (both["Order ID"].isin(ambiguous), "ambiguous_key"),
        (
            ~both["status"].isin(["Awaiting Artwork", "In Production", "Dispatched", "Cancelled"]),
            "unmapped_status",
        ),
        (cancelled & gone, "in_step"),
        ((cancelled & sent) | (shipped & gone), "cancelled_but_dispatched"),
        (cancelled, "cancelled_in_storefront_only"),
        (gone, "cancelled_in_mis_only"),
        (shipped & ~sent, "shipped_in_storefront_only"),
        (~shipped & sent, "shipped_in_mis_only"),
        (both["quantity"] != both["quantity_mis"], "quantity_differs"),
        (
            sent & both["tracking_mis"].notna() & (both["tracking"] != both["tracking_mis"]),
            "tracking_differs",
        ),
    ]
    both["class"] = np.select([mask for mask, _ in rules], [name for _, name in rules], default="in_step")
    both[both["class"] != "in_step"].to_csv(out)


def run_datacompy(storefront: str, mis: str, out: str, *, unique: bool = False) -> None:
    """datacompy on polars: statuses mapped to one comparable state first, then every differing row.

    `unique`: only the first row of each key is compared. Given keys that are there twice, as these files
    have some, datacompy numbers the rows of every key, which takes half of its time.
    """
    import polars as pl
    from datacompy import PolarsCompare

    first = (
        pl.read_csv(
            storefront,
            infer_schema=False,
            columns=[
                *("Order ID", "Order Status", "Shipping Status", "Quantity", "Tracking Number"),
                *("Customer", "Price"),
            ],
        )
        .with_columns(
            pl.when(pl.col("Order Status") == "Cancelled")
            .then(pl.lit("cancelled"))
            .when(pl.col("Shipping Status") == "Shipped")
            .then(pl.lit("sent"))
            .otherwise(pl.lit("open"))
            .alias("state"),
        )
        .rename({"Order ID": "key", "Quantity": "quantity", "Tracking Number": "tracking"})
        .select(
            "key", "state", "quantity", "tracking", "Customer", "Price", "Order Status", "Shipping Status"
        )
    )
    second = (
        pl.read_csv(
            mis,
            infer_schema=False,
            columns=["Job No", "Customer Reference", "Status", "Quantity", "Tracking Code"],
        )
        .with_columns(
            pl.col("Status")
            .replace_strict(
                {
                    "Cancelled": "cancelled",
                    "Dispatched": "sent",
                    "Awaiting Artwork": "open",
                    "In Production": "open",
                },
                default="unmapped",
            )
            .alias("state"),
        )
        .rename({"Customer Reference": "key", "Quantity": "quantity", "Tracking Code": "tracking"})
        .select("key", "state", "quantity", "tracking", "Job No", "Status")
    )
    if unique:
        first, second = (rows.unique("key", keep="first") for rows in (first, second))
    comparison = PolarsCompare(first, second, join_columns="key", df1_name="storefront", df2_name="mis")
    comparison.all_mismatch().write_csv(out)
    Path(out + ".txt").write_text(comparison.report(), encoding="utf-8")


def run_datacompy_unique(storefront: str, mis: str, out: str) -> None:
    run_datacompy(storefront, mis, out, unique=True)


WORKERS = {
    "duckdb": run_duckdb,
    "pandas": run_pandas,
    "datacompy": run_datacompy,
    "datacompy-unique": run_datacompy_unique,
}


def worker(name: str, storefront: str, mis: str, out: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_LIMIT, ADDRESS_LIMIT))
    if name == "countermand":
        from countermand.compare.command import compare

        compare([storefront, mis, "--out", out, "--quiet"])
    WORKERS[name](storefront, mis, out)


# --- running and measuring ----------------------------------------------------------------------------------


def measure(python: str, name: str, storefront: Path, mis: Path, out: Path) -> dict[str, object]:
    """Run one contender in a process of its own; wall and processor seconds, peak resident memory in MiB."""
    command = [python, str(Path(__file__)), "--worker", name, str(storefront), str(mis), str(out)]
    started = time.monotonic()
    with (out.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        stopper = threading.Timer(TIME_LIMIT, process.kill)
        stopper.start()
        _, status, used = os.wait4(process.pid, 0)
        stopper.cancel()
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    worked = code in (0, 1) if name == "countermand" else code == 0
    log_text = (out.parent / f"{name}.log").read_text(errors="replace").strip().splitlines()
    return {
        "tool": name,
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "result": "done" if worked else f"failed ({code}): {log_text[-1][:120] if log_text else 'killed'}",
        "differences": count_classes(out, name) if worked else None,
    }


def count_classes(out: Path, name: str) -> dict[str, int] | int:
    """How many differences of each class a contender wrote (datacompy knows no classes: rows)."""
    import csv

    with out.open(encoding="utf-8-sig", newline="") as file:
        if name.startswith("datacompy"):
            return sum(1 for _ in file) - 1
        rows = csv.DictReader(file)
        heading = "Class" if name == "countermand" else "class"
        counts: dict[str, int] = {}
        for row in rows:
            counts[row[heading]] = counts.get(row[heading], 0) + 1
    return counts


def bench_python(wanted: str | None) -> str:
    if wanted:
        return wanted
    if importlib.util.find_spec("datacompy"):
        return sys.executable
    folder = ROOT / "build" / "bench-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        lock = str(ROOT / "requirements-bench.lock")
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], check=True
        )
    return str(python)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {platform.system()}, Python "
        f"{platform.python_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--tools", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--bench-python", help="a Python with the packages of requirements-bench.lock")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--generate", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        print(json.dumps(generate(Path(options.generate[0]), int(options.generate[1]))))
        return
    if options.worker:
        worker(*options.worker)
        return
    other = bench_python(options.bench_python)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, other load {os.getloadavg()[0]:.1f}")
    figures = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="bench-compare-") as folder:
            # In a process of its own: what a parent once held counts into the peak of its children.
            made = subprocess.run(
                [sys.executable, str(Path(__file__)), "--generate", folder, str(rows)],
                check=True,
                capture_output=True,
                text=True,
            )
            storefront, mis = Path(folder) / "infigo.csv", Path(folder) / "printiq.csv"
            wanted = json.loads(made.stdout)
            size = (storefront.stat().st_size + mis.stat().st_size) / 2**30
            print(
                f"\n{rows:,} rows against {rows:,}, {size:.2f} GiB of CSV, {sum(wanted.values()):,} "
                "differences"
            )
            print(f"{'':17}{'wall s':>9}{'cpu s':>9}{'peak MiB':>10}  answer")
            for name in options.tools:
                python = sys.executable if name in ("countermand", "duckdb") else other
                figure = measure(python, name, storefront, mis, Path(folder) / f"{name}.csv") | {"rows": rows}
                figures.append(figure)
                print(
                    f"{name:17}{figure['wall_s']:>9}{figure['cpu_s']:>9}{figure['peak_mib']:>10}  "
                    f"{verdict(figure, wanted)}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n")


def verdict(figure: dict[str, object], wanted: dict[str, int]) -> str:
    found = figure["differences"]
    if found is None:
        return str(figure["result"])
    if isinstance(found, int):
        return f"{found:,} differing rows, no classes"
    return "exact" if found == wanted else f"WRONG: {found} instead of {wanted}"


if __name__ == "__main__":
    main()
