"""Scores of the test rows and of the scoring date, each with its range and how much history it rests on."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from holdfast.examples import Examples
from holdfast.learners.blend import BlendClassifier
from holdfast.learners.interval import PRIOR_SD, SNAPSHOT_SD, interval, level_sd
from holdfast.pipelines.graph import Context
from holdfast.windows import Span, label_window

FINAL = "final"
COLUMNS = ("customer_id", "cutoff", "part", "score", "low", "high", "history_state", "label")


def score_rows(context: Context, task: str, rows: Examples, snapshot: bool) -> pd.DataFrame:
    """`score` by the model that serves each row, and `apart`: half the distance of its members, in logits."""
    found = pd.DataFrame({"score": np.nan, "apart": np.nan}, index=rows.frame.index)
    for name, chosen in models_of(rows, snapshot):
        model = BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{name}"))
        X = rows.X.loc[chosen]
        found.loc[chosen, "score"] = expit(model.decision_function(X))
        found.loc[chosen, "apart"] = np.abs(model.boosting_margin(X) - model.logit_margin(X)) / 2
    return found


def unseen_categories(context: Context, task: str, rows: Examples, snapshot: bool) -> dict[str, int]:
    """Rows per categorical feature with a category that the model serving them was not fitted on (read as missing)."""
    counts: dict[str, int] = {}
    for name, chosen in models_of(rows, snapshot):
        columns = BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{name}")).columns_
        if columns.levels:
            for feature, count in columns.unseen(columns.matrix(rows.X.loc[chosen])).items():
                counts[feature] = counts.get(feature, 0) + count
    return dict(sorted(counts.items()))


def models_of(rows: Examples, snapshot: bool) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Names of the stored models, and which rows each serves."""
    frame = rows.frame
    if snapshot:
        names = frame["fold"].map(lambda fold: f"without_fold_{fold}")
    else:
        names = frame["cutoff"].dt.strftime("%Y-%m-%d").where(frame["part"] != "score", FINAL)
    for name in sorted(names.unique()):
        yield str(name), (names == name).to_numpy()


def predictions_of(
    test: Examples, score: Examples, tested: pd.DataFrame, scored: pd.DataFrame, span: Span, snapshot: bool
) -> pd.DataFrame:
    """The predictions table; a range counts only the misses of cutoffs that were closed at the row's own.

    Parameters
    ----------
    test, score : Examples
        Test rows and rows of the scoring date.
    tested, scored : DataFrame
        `score, apart` of the same rows.
    span : Span
        Timing of the task.
    snapshot : bool
        Whether test rows are a random part instead of a later time.
    """
    prior = SNAPSHOT_SD if snapshot else PRIOR_SD
    past = _rows(test, tested, "test").assign(label=test.y.astype(float))
    now = _rows(score, scored, "score").assign(label=np.nan)
    cutoffs = sorted(past["cutoff"].unique())
    for at in cutoffs:
        closed = [c for c in cutoffs if label_window(c.date(), span).end <= at.date()]
        past = _with_range(past, past["cutoff"] == at, _level(past, closed, prior))
    now = _with_range(now, pd.Series(True, index=now.index), _level(past, cutoffs, prior))
    return pd.concat([past, now], ignore_index=True)[list(COLUMNS)]


def _rows(rows: Examples, found: pd.DataFrame, part: str) -> pd.DataFrame:
    frame = rows.frame[["customer_id", "cutoff"]].assign(part=part, low=np.nan, high=np.nan)
    return frame.assign(score=found["score"], apart=found["apart"], history_state=history_state(rows.frame))


def _level(past: pd.DataFrame, closed: Sequence[Any], prior: float) -> float:
    groups = [past.loc[past["cutoff"] == cutoff] for cutoff in closed]
    logits = [logit(group["score"].to_numpy()) for group in groups]
    return level_sd([group["label"].to_numpy() for group in groups], logits, prior_sd=prior)


def _with_range(frame: pd.DataFrame, mask: "pd.Series[bool]", level: float) -> pd.DataFrame:
    """Fill `low` and `high` under `mask`."""
    low, high = interval(frame["score"].to_numpy(), np.hypot(level, frame["apart"].to_numpy()))
    return frame.assign(low=frame["low"].where(~mask, low), high=frame["high"].where(~mask, high))


def history_state(frame: pd.DataFrame) -> "pd.Series[str]":
    """How much history a score rests on: `one_purchase`, `short` (two purchase days) or `enough`;

    without purchases `contract` or `snapshot`.
    """
    if "purchase_days_all" not in frame.columns:
        return pd.Series("contract" if "contract_days" in frame.columns else "snapshot", index=frame.index)
    days = frame["purchase_days_all"].fillna(0)
    return pd.Series(np.select([days <= 1, days <= 2], ["one_purchase", "short"], "enough"), index=frame.index)
