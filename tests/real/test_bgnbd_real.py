"""BG/NBD and gamma-gamma on CDNOW: the published estimates (Fader, Hardie & Lee 2005; Fader & Hardie 2013)."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.btyd.bgnbd import BgNbd, fit_bgnbd, log_likelihood
from holdfast.btyd.gamma_gamma import fit_gamma_gamma

DATA = Path(os.environ.get("HOLDFAST_DATA") or Path(__file__).parents[2] / "../shared/data")
MASTER = DATA / "cdnow" / "CDNOW_master.txt.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not MASTER.is_file(), reason=f"CDNOW is not at {MASTER}; set HOLDFAST_DATA"),
]

PUBLISHED = (0.243, 4.414, 0.793, 2.426)
"""r, alpha, a, b on the sample of 2 357 customers, weeks 1 to 39; log likelihood -9582.4."""
END = pd.Timestamp("1997-09-30")


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    """One row per customer and purchase day of the whole cohort: `customer_id, day, spend`."""
    raw = pd.read_csv(MASTER, sep=r"\s+")
    raw["day"] = pd.to_datetime(raw["date"].astype(str), format="%Y%m%d")
    return raw.groupby(["customer_id", "day"], as_index=False)["dollar_value"].sum()


@pytest.fixture(scope="module")
def sample(days: pd.DataFrame) -> pd.DataFrame:
    text = (Path(__file__).parent / "cdnow_sample_ids.txt").read_text().split("\n", 1)[1]
    return days[days["customer_id"].isin([int(word) for word in text.split()])]


def history(days: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Repeat purchase days until the end of the calibration, time of the last one and age, in days."""
    known = days[days["day"] <= END]
    own = known.groupby("customer_id")["day"].agg(["min", "max", "size"]).sort_index()
    return tuple(
        values.to_numpy(float)
        for values in (own["size"] - 1, (own["max"] - own["min"]).dt.days, (END - own["min"]).dt.days)
    )


@pytest.fixture(scope="module")
def model(sample: pd.DataFrame) -> BgNbd:
    return fit_bgnbd(*history(sample), penalty=0)


def test_the_published_estimates_to_the_last_printed_digit(model: BgNbd) -> None:
    assert model.n == 2357
    assert model.converged
    assert tuple(round(value, 3) for value in (model.r, model.alpha, model.a, model.b)) == PUBLISHED
    assert round(model.log_likelihood, 1) == -9582.4


def test_the_default_penalty_does_not_move_them(sample: pd.DataFrame) -> None:
    shrunk = fit_bgnbd(*history(sample))
    assert [shrunk.r, shrunk.alpha, shrunk.a, shrunk.b] == pytest.approx(PUBLISHED, abs=1e-3)


def test_the_whole_cohort_agrees_within_sampling_error(days: pd.DataFrame) -> None:
    # a likelihood ratio: twice the loss of the published parameters on the cohort, per tenth of it, is below the
    # 95 % point of chi-squared with 4 degrees of freedom
    x, last, age = history(days)
    cohort = fit_bgnbd(x, last, age, penalty=0)
    assert cohort.n == 23570
    published = log_likelihood(np.array(PUBLISHED), np.column_stack([x, last / 7, age / 7]), np.ones(len(x)))
    assert 0 <= 2 * (cohort.log_likelihood - published) / 10 < 9.49


def test_the_modified_model_fits_the_sample_a_little_better(sample: pd.DataFrame, model: BgNbd) -> None:
    modified = fit_bgnbd(*history(sample), penalty=0, modified=True)
    assert modified.converged
    assert 0 < modified.log_likelihood - model.log_likelihood < 1


def test_repeat_purchases_track_as_published(sample: pd.DataFrame, model: BgNbd) -> None:
    """The paper's tracking plot: BG/NBD follows the cohort's cumulative repeats and is 4 % low at week 78."""
    first = sample.groupby("customer_id")["day"].min()
    repeats = sample.loc[sample["day"] > sample["customer_id"].map(first), "day"]
    for end, low, high in (("1997-09-30", 0.99, 1.03), ("1998-06-30", 0.95, 0.97)):
        age, customers = np.unique((pd.Timestamp(end) - first).dt.days.to_numpy(), return_counts=True)
        expected = float((model.expected_from_start(age) * customers).sum())
        assert low < expected / (repeats <= end).sum() < high


def test_expected_purchases_of_the_holdout_by_past_purchases(sample: pd.DataFrame, model: BgNbd) -> None:
    """Weeks 40 to 78, as in the paper's plot of conditional expectations: rising with x, never far from what came."""
    x, last, age = history(sample)
    came = sample[sample["day"] > END].groupby("customer_id").size()
    ids = np.sort(sample["customer_id"].unique())
    actual = came.reindex(ids).fillna(0).to_numpy(float)
    expected = model.expected_purchases(x, last, age, 273)
    group = np.minimum(x, 7).astype(int)
    means = np.array([[expected[group == k].mean(), actual[group == k].mean()] for k in range(8)])
    assert (np.diff(means[:, 0]) > 0).all()
    assert np.abs(means[:5, 0] - means[:5, 1]).max() < 0.4
    assert 0.85 < expected.sum() / actual.sum() < 0.92


def test_gamma_gamma_as_published(sample: pd.DataFrame) -> None:
    """p 6.25, q 3.74, gamma 15.44 on the 946 customers who bought again in the calibration."""
    known = sample[sample["day"] <= END].sort_values(["customer_id", "day"])
    repeat = known[known.groupby("customer_id").cumcount() > 0].groupby("customer_id")["dollar_value"]
    mean, n = repeat.mean().to_numpy(), repeat.size().to_numpy(float)
    found = fit_gamma_gamma(mean, n, penalty=0)
    assert found.n == 946
    assert (round(found.p, 2), round(found.q, 2), round(found.gamma, 2)) == (6.25, 3.74, 15.44)
    assert abs(found.correlation) < 0.2
