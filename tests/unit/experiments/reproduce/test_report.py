"""The report: every claim with its verdict, one self-contained file, the same text in both forms."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from experiments.claims.base import Verdict
from experiments.claims.stats import Spread, spread
from experiments.report.__main__ import main
from experiments.report.measured import flat_numbers, in_words, number, number_tables
from experiments.report.state import ReportRun
from experiments.report.write import write_report
from tests.unit.experiments.reproduce.reports import EXPERIMENTS, make_run

FAILURE = "switch s1 was not ready after 90 s; the end of its log:\n    <no such interface>"


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects what the tests examine."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name in ("href", "src") if (value := given.get(name)) is not None]
        self.ids += [value for name, value in given.items() if name == "id" and value]
        if tag == "img":
            self.images.append(given)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def page_of(run: ReportRun) -> Page:
    _, path = write_report(run, EXPERIMENTS)
    return Page(path.read_text())


def test_the_page_stands_alone(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path))
    assert len(page.images) == 3
    outside = [link for link in page.links if not link.startswith(("#", "data:image/png;base64,"))]
    assert outside == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for image in page.images:
        assert image["alt"]
        content = base64.b64decode(str(image["src"]).partition(",")[2])
        assert Image.open(io.BytesIO(content)).size == (int(str(image["width"])), int(str(image["height"])))


def test_claims_are_shown_with_published_and_measured_values(tmp_path: Path) -> None:
    words = page_of(make_run(tmp_path)).words
    assert "3 of 3 claims hold." in words
    assert "State4: loss" in words and "0.6 % [0.5, 0.7], n = 3" in words and "< 1 %" in words
    assert "my own: loss 2 % (one run)" in re.sub(r"– ", "", words)  # a strategy that nothing else knows
    assert "State4 & co. lose little" in words


def test_a_claim_without_findings_shows_its_values(tmp_path: Path) -> None:
    words = page_of(make_run(tmp_path, second=Verdict.FAILS)).words
    assert "2 of 3 claims hold, 1 does not." in words
    assert "gap_ms 20 20.5" in words
    assert "Why it may differ" in words


def test_a_failure_is_shown_as_one_and_no_number_stands_for_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, third=FAILURE)
    report, path = write_report(run, EXPERIMENTS)
    words = Page(path.read_text()).words
    assert "2 of 3 claims hold, 1 not judged because of an error." in words
    assert "<no such interface>" in words  # escaped in the source, so the page shows it
    (failed,) = (result for result in report.claims if result.verdict == "error")
    assert failed.numbers == () and failed.why == FAILURE
    assert not report.complete


def test_a_result_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    folder = run.result_folder("second")
    assert folder is not None
    (folder / "summary.json").unlink()
    report, _ = write_report(run, EXPERIMENTS)
    assert [result.verdict for result in report.claims] == ["holds", "error", "holds"]


def test_the_markdown_says_the_same(tmp_path: Path) -> None:
    run = make_run(tmp_path, second=Verdict.FAILS)
    write_report(run, EXPERIMENTS)
    text = (run.path / "report.md").read_text()
    assert "**2 of 3 claims hold, 1 does not.**" in text
    assert "| State4: loss | < 1 % | 0.6 % [0.5, 0.7], n = 3 |" in text
    for link in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (run.path / link).resolve().exists()
    assert 'make fig4 ARGS="--repeats 3"' in text


def test_another_targets_values_are_shown_with_them(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    other = make_run(tmp_path, loss=(7.0,), second=Verdict.FAILS, target="bmv2")
    for written in (run, other, run):  # each finds the report of the other
        page = Page(write_report(written, EXPERIMENTS)[1].read_text())
    assert "published softswitch bmv2" in page.words
    assert "State4: loss < 1 % 0.6 % [0.5, 0.7], n = 3 7 % (one run)" in page.words
    text = (run.path / "report.md").read_text()
    assert "| claim | published | softswitch | bmv2 | verdict |" in text
    assert "| State4: loss | < 1 % | 0.6 % [0.5, 0.7], n = 3 | 7 % (one run) |" in text
    assert re.search(r"gap_ms: 20\.5<br>✓ holds \| .*gap_ms: 20\.5<br>✗ does not hold \| ✓ holds \|", text)
    theirs = (other.path / "report.md").read_text()
    assert "| claim | published | bmv2 | softswitch | verdict |" in theirs
    assert 'make fig4 ARGS="--target bmv2 --repeats 3"' in theirs and 'make fig4 ARGS="--repeats 3"' in text


def test_without_another_target_there_is_one_column(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_report(make_run(tmp_path), EXPERIMENTS)
    report, _ = write_report(run, EXPERIMENTS)
    assert report.others == () and "| claim | published | measured | verdict |" in (run.path / "report.md").read_text()


def test_it_can_be_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path)
    assert main([str(run.path)]) == 0
    assert capsys.readouterr().out.strip() == str(run.path / "report.html")
    assert main([str(tmp_path)]) == 2
    assert "is no run of all experiments" in capsys.readouterr().err


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.8234, "1.82"), (463870, "463870"), (2.1e-6, "2.1e-06"), (1234.5, "1234"), (-0.5, "-0.5")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_short_number_is_within_half_a_percent(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=5.1e-3, abs=1e-300)


def test_spreads_say_what_they_stand_on() -> None:
    assert in_words(spread([1.0, 2.0, 3.0]), "s") == "2 s [1, 3], n = 3"
    assert in_words(spread([2.0]), "s") == "2 s (one run)"


def test_everything_measured_finds_its_place() -> None:
    measured = {
        "none": {"10": {"loss": spread([1.0, 3.0]).as_dict(), "kept": True}, "20": {"loss": 4.5}},
        "state4": {"10": {"loss": [1, 2], "kept": False}},
    }
    tables = {table.title: table for table in number_tables(measured)}
    assert tables["loss"].columns == ("10", "20") and tables["loss"].rows == ("none", "state4")
    assert tables["loss"].cells == (("2 [1, 3]", "4.5"), ("1.5 [1, 2]", ""))
    assert tables["kept"].cells == (("yes",), ("no",))


def test_a_wide_table_is_turned() -> None:
    measured = {"state4": {str(rate): rate / 7 for rate in range(20)}}
    (table,) = number_tables(measured)
    assert table.columns == ("state4",) and len(table.rows) == 20


def test_flat_numbers() -> None:
    content = {"a": {"b": spread([1.0]).as_dict(), "c": [1.0, 3.0]}, "d": "text", "e": None, "f": [[1], ["x"]]}
    found = dict(flat_numbers(content))
    assert found.keys() == {"a b", "a c", "d", "f 1", "f 2 1"}
    assert isinstance(found["a b"], Spread) and found["d"] == "text"
    assert list(number_tables({})) == []


def test_a_list_of_records_is_a_table() -> None:
    measured = {"points": [{"strategy": "none", "loss": {"a": 1}}, {"strategy": "state4", "time_s": 2}], "limit": 3}
    tables = {table.title: table for table in number_tables(measured)}
    assert tables["points"].columns == ("strategy", "loss a", "time_s")
    assert tables["points"].cells == (("none", "1", ""), ("state4", "", "2"))
    assert tables[""].cells == (("3",),)
