import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.reporting import pictures
from holdfast.reporting.data import ReportData
from holdfast.reporting.report import render, write_plots, write_report

from .sample import listed, report_data, summary

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags with their attributes, ids, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.stack):
            self.words += data + " "

    def said(self) -> str:
        return re.sub(r"\s+", " ", self.words)


@pytest.fixture(scope="module")
def data() -> ReportData:
    return report_data()


@pytest.fixture(scope="module")
def text(data: ReportData) -> str:
    return render(data)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture
def words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out where only sentences are tested: they take seconds."""
    monkeypatch.setattr(pictures, "draw", lambda data, listed: {})


def test_the_page_asks_for_nothing_from_outside(text: str, page: Page):
    assert set(re.findall(r"https?://[^\"' )]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in text
    assert not {"script", "link", "iframe", "img", "object", "embed"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


def test_the_page_is_well_formed_and_its_links_resolve(page: Page):
    assert page.stack == []
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert max(ids.values()) == 1
    assert {a["href"] for tag, a in page.tags if tag == "a"} <= {f"#{name}" for name in ids}
    for tag, attributes in page.tags:
        if tag == "section":
            assert attributes["aria-labelledby"] in ids


def test_the_page_can_be_read_without_seeing(page: Page):
    assert page.tags[0][1] == {"lang": "en"} or ("html", {"lang": "en"}) in page.tags
    pictures_shown = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures_shown) == 9
    assert all(
        attributes["role"] == "img" and len(attributes["aria-label"] or "") > 20 for attributes in pictures_shown
    )
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_no_customer_is_on_the_page(data: ReportData, text: str):
    ids = data.listed["customer_id"]
    assert ids.iloc[0].startswith("C0")
    assert not re.search(r"\bC\d{5}\b", text)
    assert "customer_id" not in text


def test_the_headline_says_who_what_and_for_how_much(data: ReportData, page: Page):
    said = page.said()
    frame = data.listed
    assert f"About {round(frame['p_churn'].sum(), -1):,.0f} of 3,872 active customers are likely to buy nothing" in said
    # Scored at 10 December with a lead of 7 days.
    assert "in the 60 days from 17 December 2011" in said
    assert "from a budget of £2,500" in said
    assert "if the offers work as well as assumed" in said
    assert "The effects are assumed, not measured." in said


def test_every_part_of_the_story_is_there(page: Page):
    said = page.said()
    for sentence in (
        "Who is likely to leave",
        "These are reasons of the score, not of the person.",
        "customer A (a made-up name)",
        "Silent is not gone.",
        "Beside the baselines",
        "recency, frequency, money: logistic regression",
        "floor 0.032",
        "1,466 further customers",
        "Not measured",
        "no table of exits",
        "7c1f0e9ab2d4",
        "xgboost 3.2.0",
        "would pay, but beyond the budget",
        "0.781",
        "which will take several rounds",
        "(2) 3 orders in the last 90 days",
    ):
        assert sentence in said
    assert "nan" not in said.lower().split()
    assert "None" not in said


def test_what_is_saved_pays_the_cost_and_the_profit(data: ReportData):
    sums = pictures.treated_sums(data.listed)
    treated = data.listed[data.listed["arm"] == "treat"]
    assert sums["profit"] == pytest.approx(data.summary["expected_profit"])
    assert sums["cost"] == pytest.approx(data.summary["expected_cost"])
    # In the sample expected profit = uplift x loss - cost, rounded to pennies.
    assert sums["saved"] == pytest.approx(
        (treated["expected_uplift"] * treated["loss_if_silent"]).sum(), abs=0.01 * 880
    )


def test_counts_in_the_tables_reconcile(data: ReportData, page: Page):
    from holdfast.reporting.view import bands

    rows = bands(data.listed)
    assert sum(row["n"] for row in rows) == len(data.listed)
    assert sum(row["treat"] for row in rows) == data.summary["n_treated"]
    assert sum(row["holdout"] for row in rows) == data.summary["n_holdout"]
    assert sum(row["leavers"] for row in rows) == pytest.approx(data.listed["p_churn"].sum())


def test_the_same_input_gives_the_same_bytes(data: ReportData, text: str):
    assert render(report_data()) == text


def test_hostile_names_are_escaped(data: ReportData, words_only: None):
    text = render(replace(data, source="<script>alert(1)</script>", caveats=["a & b <c>"]))
    assert "<script" not in text
    assert "a &amp; b &lt;c&gt;" in text


def test_the_argument_is_untouched(words_only: None):
    frame = listed(30)
    before = frame.copy()
    render(report_data(listed=frame, summary=summary(frame)))
    pd.testing.assert_frame_equal(frame, before)


def test_a_simulated_world_says_so(data: ReportData, words_only: None):
    assert "These customers do not exist." in render(replace(data, simulated=True))
    assert "These customers do not exist." not in render(data)


def test_nobody_to_contact(data: ReportData, words_only: None):
    frame = listed(50).assign(arm="none", suppressed_because="not profitable", planned_offer=None, effect_source=None)
    empty = {
        "n_considered": 50,
        "n_treated": 0,
        "n_holdout": 0,
        "by_offer": {},
        "by_suppression": {"not profitable": 50},
    }
    said = Page(render(replace(data, listed=frame, summary=empty))).said()
    assert "no offer is expected to pay, so nobody is to be contacted" in said
    assert "The effects are assumed" not in said
    assert "told in full" not in said


def test_without_a_value_nothing_is_promised(data: ReportData, words_only: None):
    frame = listed(60).assign(loss_if_silent=float("nan"), profit_at_risk=float("nan"), expected_profit=float("nan"))
    unknown = {**summary(frame), "expected_profit": None, "low": None, "high": None}
    said = Page(render(replace(data, listed=frame, summary=unknown))).said()
    assert "What they are worth is not measured." in said
    assert "£nan" not in said


def test_a_bare_run_renders(words_only: None):
    frame = listed(5).iloc[:0]
    bare = ReportData("bare", "2011-12-10", {}, frame, {}, pd.DataFrame({"feature": [], "family": [], "mean_abs": []}))
    assert "About 0 of 0 active customers are likely to buy nothing." in Page(render(bare)).said()


def test_a_bare_run_draws_what_it_can():
    frame = listed(5).iloc[:0]
    bare = ReportData("bare", "2011-12-10", {}, frame, {}, pd.DataFrame({"feature": [], "family": [], "mean_abs": []}))
    assert pictures.draw(bare, frame) == {}


def test_a_random_split_is_called_optimistic(data: ReportData, words_only: None):
    said = Page(render(replace(data, kind="given"))).said()
    assert "Figures from a random split are optimistic." in said
    assert "active customers are likely to leave." in said


def test_measured_effects_carry_no_condition(data: ReportData, words_only: None):
    text = render(replace(data, listed=data.listed.assign(effect_source="measured")))
    assert "as well as assumed" not in text


def test_the_shares_of_leavers_follow_the_risk_and_the_indicated_class():
    frame = pd.DataFrame({"p_churn": [0.5, 0.25, 0.25], "exit_reason": ["price", "price", ""]})
    # 0.75 of the 1.0 expected leavers.
    assert pictures.leaver_shares(frame) == {"price": 0.75, "unknown": 0.25}
    shown = frame.assign(reason_indicated=["service", "unknown", "unknown"])
    assert pictures.leaver_shares(shown) == {"service": 0.5, "unknown": 0.5}


def test_a_list_without_a_column_is_refused(data: ReportData):
    with pytest.raises(DataError, match="arm"):
        render(replace(data, listed=data.listed.drop(columns="arm")))


def test_the_report_appears_whole(data: ReportData, tmp_path: Path, words_only: None):
    path = write_report(data, tmp_path / "out" / "report.html")
    assert path.read_text(encoding="utf-8") == render(data)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["report.html"]


def test_every_picture_is_also_a_file(data: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "_curves", lambda data: {})
    files = write_plots(data, tmp_path / "plots")
    assert [path.stem for path in files] == ["drivers", "history", "leavers", "profit", "scores", "worth"]
    assert sorted((tmp_path / "plots").iterdir()) == files
