"""The command as a person or a script runs it: exit codes, reports, and what is on the screen."""

from __future__ import annotations

import csv
import json
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from drift_exports import Exports, generate, write_export
from python_calamine import CalamineWorkbook

from countermand.compare.classify import Class
from countermand.compare.command import compare


@pytest.fixture(scope="module")
def exports() -> Exports:
    return generate(3, 250, by_line=False)


@pytest.fixture
def folder(tmp_path: Path, exports: Exports) -> Path:
    write_export(tmp_path / "infigo.csv", exports.storefront)
    write_export(tmp_path / "printiq.csv", exports.mis)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    paths = [str(folder / "infigo.csv"), str(folder / "printiq.csv")]
    return CliRunner().invoke(compare, [*paths, *arguments])


def as_json(folder: Path) -> dict[str, Any]:
    result = run(folder, "--out", str(folder / "report.json"))
    assert result.exit_code == 1, result.output
    report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    return report


def test_exit_code_0_when_nothing_differs(folder: Path) -> None:
    agreed = Exports(by_line=False)
    for row in generate(1, 30, by_line=False, drift=0).storefront:
        agreed.storefront.append(row)
    write_export(folder / "infigo.csv", agreed.storefront)
    write_export(folder / "printiq.csv", generate(1, 30, by_line=False, drift=0).mis)
    result = run(folder, "--out", str(folder / "report.html"))
    assert result.exit_code == 0, result.output
    assert "The two systems agree on all 30 orders" in (folder / "report.html").read_text(encoding="utf-8")


def test_exit_code_1_and_what_was_detected_is_shown(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1
    for shown in (
        "CSV, comma between columns, UTF-8",
        "Matched by Order ID = Customer Reference",
        "not known",
    ):
        assert shown in result.stdout
    assert "Cancelled, but sent" in result.stdout


def test_exit_code_2_with_one_sentence_on_standard_error(folder: Path) -> None:
    (folder / "printiq.csv").write_bytes(b"")
    result = run(folder)
    assert result.exit_code == 2
    assert result.stderr == "Could not compare: printiq.csv is empty; export it again with its orders.\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out", "report.doc"], "end its name in .html, .csv, .xlsx or .json"),
        (["--out", "/nowhere/at/all/report.csv"], "There is no folder /nowhere/at/all"),
        (["--as-of", "yesterday"], "is no date"),
        (["--memory", "lots"], "The memory limit 'lots' is none"),
    ],
)
def test_a_wrong_option_says_what_to_write(folder: Path, arguments: list[str], expected: str) -> None:
    result = run(folder, *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_the_json_report_adds_up(folder: Path, exports: Exports) -> None:
    report = as_json(folder)
    assert set(report["counts"]) == {kind.value for kind in Class}
    for side, rows in (("storefront", exports.storefront), ("mis", exports.mis)):
        assert report["rows"][side] == len(rows)
        assert sum(count[f"{side}_rows"] for count in report["counts"].values()) == len(rows)
    drift = sum(count["found"] for kind, count in report["counts"].items() if Class(kind).is_drift)
    assert drift == len(report["differences"]) == report["drift"]
    one = report["differences"][0]
    assert {"class", "key", "order", "jobs", "storefront", "mis", "advice", "value"} <= set(one)
    value = sum(one["value"] or 0 for one in report["differences"])
    assert report["value_at_stake"] == pytest.approx(value)


def test_all_reports_have_the_same_differences(folder: Path) -> None:
    report = as_json(folder)
    for ending in ("csv", "xlsx", "html"):
        assert run(folder, "--out", str(folder / f"report.{ending}")).exit_code == 1
    with (folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = [(one["class"], one["key"]) for one in report["differences"]]
    assert [(row["Class"], row["Key"]) for row in rows] == wanted
    sheet = (
        CalamineWorkbook.from_path(str(folder / "report.xlsx")).get_sheet_by_name("Differences").to_python()
    )
    assert len(sheet) == len(wanted) + 1
    assert [str(row[sheet[0].index("Class")]) for row in sheet[1:]] == [kind for kind, _ in wanted]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count('<td class="tick">') == len(wanted)


def test_the_page_needs_nothing_from_outside_and_escapes_what_customers_typed(folder: Path) -> None:
    text = (folder / "infigo.csv").read_text(encoding="utf-8")
    (folder / "infigo.csv").write_text(
        text.replace("Hawthorn Café", "<script>alert(1)</script>"), encoding="utf-8"
    )
    run(folder, "--out", str(folder / "report.html"))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    for outside in ("<script", "http://", "https://", "url(", "@import", "src="):
        assert outside not in page


def test_a_spreadsheet_never_runs_what_a_customer_typed(folder: Path) -> None:
    text = (folder / "infigo.csv").read_text(encoding="utf-8")
    (folder / "infigo.csv").write_text(text.replace("Hawthorn Café", "=cmd()"), encoding="utf-8")
    run(folder, "--out", str(folder / "report.csv"), "--out", str(folder / "report.xlsx"))
    assert ",'=cmd()," in (folder / "report.csv").read_text(encoding="utf-8-sig")
    cells = (
        CalamineWorkbook.from_path(str(folder / "report.xlsx")).get_sheet_by_name("Differences").to_python()
    )
    assert any("=cmd()" in row for row in cells)


def test_the_mapping_file_is_written_and_used(folder: Path) -> None:
    corrections = folder / "mapping.toml"
    run(folder, "--map", str(corrections))
    text = corrections.read_text(encoding="utf-8")
    assert 'Parked = "unmapped"' in text
    before = as_json(folder)["counts"]["unmapped_status"]["found"]
    corrections.write_text(text.replace('Parked = "unmapped"', 'Parked = "held"'), encoding="utf-8")
    run(folder, "--map", str(corrections), "--out", str(folder / "after.json"))
    after = json.loads((folder / "after.json").read_bytes())["counts"]["unmapped_status"]["found"]
    assert after < before


def test_standard_input_in_a_real_process(folder: Path) -> None:
    code = "from countermand.compare.command import compare; compare()"
    with (folder / "printiq.csv").open("rb") as mis:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                code,
                str(folder / "infigo.csv"),
                "-",
                "--quiet",
                "--out",
                str(folder / "r.json"),
            ],
            stdin=mis,
            capture_output=True,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert json.loads((folder / "r.json").read_bytes())["inputs"]["mis"]["name"] == "standard input"


def test_nothing_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("compare must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for ending in ("xlsx", "parquet", "jsonl"):
        source = write_export(folder / f"other.{ending}", generate(3, 40, by_line=False).storefront)
        result = CliRunner().invoke(compare, [str(source), str(folder / "printiq.csv")])
        assert result.exit_code == 1, result.output


def test_the_working_copies_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert run(folder).exit_code == 1
    assert list(scratch.iterdir()) == []


def test_a_report_never_overwrites_what_it_is_made_from(folder: Path) -> None:
    before = (folder / "infigo.csv").read_bytes()
    (folder / "linked.csv").symlink_to(folder / "infigo.csv")
    for name in ("infigo.csv", "linked.csv"):
        result = run(folder, "--out", str(folder / name))
        assert result.exit_code == 2
        assert "would overwrite a file that is read" in result.stderr
    assert (folder / "infigo.csv").read_bytes() == before


@pytest.mark.parametrize("ending", ["csv", "json", "xlsx", "html"])
def test_a_report_that_cannot_be_finished_leaves_the_one_before(folder: Path, ending: str) -> None:
    report = folder / f"report.{ending}"
    report.write_text("of yesterday", encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        result = run(folder, "--quiet", "--out", str(report))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2
    assert result.stderr.startswith("Could not compare: ")
    assert report.read_text(encoding="utf-8") == "of yesterday"
    assert list(folder.glob("*.unfinished")) == []


@pytest.mark.parametrize(
    "trouble", [KeyboardInterrupt(), OSError(28, "No space left on device"), duckdb.Error("a row")]
)
def test_no_trouble_looks_like_a_disagreement(
    folder: Path, trouble: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise trouble

    monkeypatch.setattr("countermand.compare.command.compare_files", fails)
    result = run(folder)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
