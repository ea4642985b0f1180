"""The published BG/NBD estimates on CDNOW (Fader, Hardie & Lee 2005, table 1)."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.features.bgnbd import _log_likelihood, fit_bgnbd

DATA = Path(os.environ.get("HOLDFAST_DATA") or Path(__file__).parents[2] / "../shared/data")
MASTER = DATA / "cdnow" / "CDNOW_master.txt.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not MASTER.is_file(), reason=f"CDNOW is not at {MASTER}; set HOLDFAST_DATA"),
]


PUBLISHED = np.array([0.243, 4.414, 0.793, 2.426])
"""r, alpha, a, b on 2 357 customers; log likelihood -9582.4."""


@pytest.fixture(scope="module")
def calibration() -> pd.DataFrame:
    """`x, t_x, age` in days of all 23 570 customers after 39 weeks; purchases of one day are one."""
    raw = pd.read_csv(MASTER, sep=r"\s+")
    raw["day"] = pd.to_datetime(raw["date"].astype(str), format="%Y%m%d")
    days = raw.loc[raw["day"] <= "1997-09-30", ["customer_id", "day"]].drop_duplicates()
    own = days.groupby("customer_id")["day"].agg(["min", "max", "size"]).sort_index()
    return pd.DataFrame(
        {
            "x": own["size"] - 1.0, "t_x": (own["max"] - own["min"]).dt.days * 1.0,
            "age": (pd.Timestamp("1997-09-30") - own["min"]).dt.days * 1.0,
        }
    )  # fmt: skip


def test_the_published_estimates_lie_within_the_sampling_error_of_the_whole_cohort(calibration: pd.DataFrame) -> None:
    # the ids of the published tenth are not in the master file, so the test is a likelihood ratio: twice the loss of
    # the published parameters on the cohort, per tenth of it, is below the 95 % point of chi-squared with 4 degrees
    x, last, age = (calibration[name].to_numpy() for name in ("x", "t_x", "age"))
    model = fit_bgnbd(x, last, age, penalty=0)
    assert model is not None
    assert model.converged
    assert model.n == 23570
    lost = model.log_likelihood - _log_likelihood(PUBLISHED, np.column_stack([x, last / 7, age / 7]), np.ones(len(x)))
    assert 0 <= 2 * lost / 10 < 9.49


def test_the_published_likelihood_is_one_of_a_tenth_of_the_cohort(calibration: pd.DataFrame) -> None:
    tenths = [fit_bgnbd(*calibration.iloc[k::10].to_numpy().T, penalty=0) for k in range(0, 10, 2)]
    found = np.array([[tenth.r, tenth.alpha, tenth.a, tenth.b, tenth.log_likelihood] for tenth in tenths])
    assert (np.abs(found.mean(0) - [*PUBLISHED, -9582.4]) < 2.5 * found.std(0, ddof=1)).all()
