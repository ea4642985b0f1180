"""`holdfast init` on the public data sets: the guessed config is ingested and its label counted."""

import os
from datetime import date
from pathlib import Path

import pytest

from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.params import load_config
from holdfast.params.guess import write_guess
from holdfast.pipelines.domain import main_task
from holdfast.windows import rolling_cutoffs

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("HOLDFAST_DATA") or REPOSITORY / "../shared/data")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data sets are not at {DATA}; set HOLDFAST_DATA"),
]


def labels(name, folder):
    guess = write_guess([str(DATA / name)], folder / "holdfast.yaml")
    config = load_config(folder / "holdfast.yaml")
    report = ingest(config.build_source(), folder / "out", span=config.span)
    histories, task = Histories.open(folder / "out"), main_task(config)
    cutoffs = [date(2024, 1, 1)]
    if config.span is not None:
        cutoffs = rolling_cutoffs(report.start, report.end, config.span, config.cutoffs.every, config.cutoffs.test)
        assert len(cutoffs) == config.cutoffs.test
    return guess, config, report, task.labels(histories, cutoffs)


# customers and leavers as the data folder's README counts them
@pytest.mark.parametrize(
    ("name", "label", "rows", "left"),
    [
        ("iranian_churn", "Churn", 3_150, 495),
        ("motor_lapse", "lapse", 23_060, None),
        ("telco_ibm", "Churn Label", 7_043, 1_869),
    ],
)
def test_snapshots(tmp_path, name, label, rows, left):
    _, config, report, found = labels(name, tmp_path)
    assert config.tasks.churn.label == label
    assert (len(found), report.tables[0].quarantined) == (rows, {})
    if left is None:
        assert found["label"].mean() == pytest.approx(0.128, abs=5e-4)
    else:
        assert found["label"].sum() == left


def test_telco_leaks_that_names_or_values_betray_are_left_out(tmp_path):
    _, _, report, _ = labels("telco_ibm", tmp_path)
    leaks = {"Churn Value", "Churn Score", "Churn Category", "Churn Reason", "Customer Status", "Gender", "Zip Code"}
    assert not leaks & set(report.attributes)
    assert {"Contract", "Monthly Charge", "Age", "Phone Service"} <= set(report.attributes)


@pytest.mark.parametrize(
    ("name", "lookback", "horizon", "rows", "filtered"),
    [("online_retail", 120, 60, 541_909, 135_080), ("cdnow", 180, 90, 69_659, 0)],
)
def test_purchases(tmp_path, name, lookback, horizon, rows, filtered):
    guess, config, report, found = labels(name, tmp_path)
    assert (config.tasks.churn.lookback, config.tasks.churn.horizon) == (lookback, horizon)
    assert (report.tables[0].rows_in, report.tables[0].filtered) == (rows, filtered)
    assert not guess.questions
    assert found.groupby("cutoff")["label"].agg(["min", "max"]).eq([0, 1]).all(axis=None)
