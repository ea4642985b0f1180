"""The level of churn in a run: moved where the year before foretold the past, and left alone where it did not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_shop import config, write_shop
from stages import TO_TRAIN, walked

from holdfast.histories.histories import Histories
from holdfast.pipelines.level import label_share, purchase_days
from holdfast.pipelines.workspace import Workspace
from holdfast.tasks.task import DeclineTask, LapseTask, RepeatTask, SilenceTask
from holdfast.windows import Span

START = pd.Timestamp("2020-01-01")


def purchases(season: float, years: float = 3.4, customers: int = 900) -> pd.DataFrame:
    """Customers with rates of their own who buy by a yearly wave and never drop out."""
    rng = np.random.default_rng(3)
    days = int(365 * years)
    rate = rng.gamma(1.5, 1 / 60, customers)
    wave = 1 + season * np.cos(2 * np.pi * np.arange(days) / 365)
    who, day = np.nonzero(rng.random((customers, days)) < np.minimum(rate[:, None] * wave, 1))
    at = START + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({"customer": [f"k{n:04d}" for n in who], "day": at, "sum": 10.0})


def trained(folder: Path, frame: pd.DataFrame, *further: str, tests: int = 2) -> Workspace:
    write_shop(folder, frame)
    content = config(
        tasks={"churn": {"kind": "silence", "lookback": "120d", "horizon": "60d"}},
        cutoffs={"test": tests, "every": "90d", "train": 3},
    )
    return walked(folder, content, (*TO_TRAIN, *further))


def decisions(space: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = space.read_json("models/churn/level.json")
    return found


@pytest.fixture(scope="module")
def seasonal(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return trained(tmp_path_factory.mktemp("seasonal"), purchases(0.7), "evaluate")


def test_a_season_that_was_seen_before_moves_every_model(seasonal: Workspace) -> None:
    found = decisions(seasonal)
    assert len(found) == 3, "one for each test cutoff, and the final one"
    assert all(each["applied"] and each["shift"] != 0 for each in found.values())


def test_scores_have_the_level_that_was_decided_and_it_is_nearly_what_came(seasonal: Workspace) -> None:
    rows = seasonal.read_frame("predictions/churn.parquet")
    plan = seasonal.read_json("plan/churn.json")
    rates = {row["cutoff"]: row["rate"] for row in plan["rates"]}
    missed, unmoved = [], []
    for cutoff, part in rows[rows["part"] == "test"].groupby("cutoff"):
        at = str(cutoff.date())
        wanted = float(re.search(r"level moved to (\S+):", decisions(seasonal)[at]["reason"])[1])
        assert part["score"].mean() == pytest.approx(wanted, abs=0.001)
        missed.append(abs(part["score"].mean() - part["label"].mean()))
        unmoved.append(abs(np.mean([rates[day] for day in plan["train"][at]]) - part["label"].mean()))
    assert max(missed) < 0.05
    assert np.mean(missed) < np.mean(unmoved) / 3, "the training windows' own level is far off in a season"
    final = rows.loc[rows["part"] == "score", "score"].mean()
    assert f"level moved to {final:.3f}" in decisions(seasonal)["final"]["reason"]


def test_the_metrics_say_what_was_decided(seasonal: Workspace) -> None:
    assert seasonal.read_json("metrics/churn.json")["level"] == decisions(seasonal)


def test_without_a_season_nothing_is_moved(tmp_path: Path) -> None:
    for each in decisions(trained(tmp_path, purchases(0.0, customers=500), tests=1)).values():
        assert (each["applied"], each["shift"]) == (False, 0.0)
        assert "the year before missed by" in each["reason"]


def test_a_season_of_which_no_second_year_is_known_moves_nothing(tmp_path: Path) -> None:
    found = decisions(trained(tmp_path, purchases(0.7, years=1.4, customers=500)))
    assert {(each["applied"], each["shift"]) for each in found.values()} == {(False, 0.0)}
    reasons = [found[at]["reason"] for at in sorted(found)]  # dates first, then `final`
    assert reasons[0] == "raw level kept: the history does not reach back one year from the scoring date"
    assert reasons[-1].endswith("windows know the year before, 2 are needed")


def test_only_questions_about_buying_have_a_share_of_buyers() -> None:
    span = Span(90, 0, 60)
    assert label_share(SilenceTask("churn", span)) is not None
    assert label_share(RepeatTask("loyalty", span)) is not None
    assert label_share(LapseTask("churn", span)) is None
    assert label_share(DeclineTask("churn", span)) is None


def test_goods_sent_back_are_no_day_of_activity() -> None:
    frame = pd.DataFrame({
        "customer_id": list("aaab"), "amount": [5.0, 7.0, -5.0, -1.0],
        "at": pd.to_datetime(["2020-01-02 09:00", "2020-01-02 18:00", "2020-01-05 09:00", "2020-01-03 09:00"]),
    })  # fmt: skip
    days = purchase_days(Histories.from_frames({"purchases": frame}))
    who = days.at(10)
    # one customer with one day, counted from the first row of the table
    assert (len(who.rows), who.x.tolist(), who.t_x.tolist(), who.age.tolist()) == (1, [0.0], [0.0], [10.0])
