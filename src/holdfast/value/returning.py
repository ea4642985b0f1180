"""Who comes back, and what the second lifetime is worth (domain B2).

Both are learnt from customers who were lost at past dates. What counts is the return without being won back, so it is
what a win-back has to beat, and the value of a *second* lifetime, which is not the first one's (Stauss & Friege, 1999,
Regaining service customers, Journal of Service Research 1).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.errors import DataError

Floats = npt.NDArray[np.float64]

INPUTS = ("silent_days", "gap_days", "purchase_days", "spend_per_day", "tenure_days")
"""What is read of a lost customer: days of silence, own mean gap, purchase days, mean spend of one, tenure."""
LEAST_RETURNS = 30
"""Returns below which only the share of all is known."""
PRIOR_RETURNS = 20.0
"""Returners whose mean value counts beside a tier's own."""
TIERS = 3


@dataclass(frozen=True)
class ReturnModel:
    """Probability of coming back within the horizon.

    Parameters
    ----------
    base : float
        Share of past lost customers who came back.
    n, n_returned : int
    pipeline : Pipeline or None
        Logistic regression; None where too few came back, and everybody gets the share.
    """

    base: float
    n: int
    n_returned: int
    pipeline: Pipeline | None

    def predict(self, lost: pd.DataFrame) -> Floats:
        """Probability of each row, shape (n,)."""
        if self.pipeline is None or not len(lost):
            return np.full(len(lost), self.base)
        return np.asarray(self.pipeline.predict_proba(_design(lost))[:, 1])


def fit_returns(lost: pd.DataFrame, returned: npt.ArrayLike) -> ReturnModel:
    """Learn from customers who were lost at past dates.

    Parameters
    ----------
    lost : DataFrame
        Columns `INPUTS`, as known at each past date; days and money.
    returned : array of shape (n,)
        Whether each came back within the horizon.

    Raises
    ------
    DataError
        Without any lost customer.

    Examples
    --------
    >>> lost = pd.DataFrame(dict.fromkeys(INPUTS, [100.0, 200.0]))
    >>> fit_returns(lost, [True, False]).predict(lost).tolist()
    [0.5, 0.5]
    """
    came = np.asarray(returned, dtype=bool)
    if not len(came):
        raise DataError("returns: no lost customer at a past date; expected at least one")
    share, n, k = float(came.mean()), len(came), int(came.sum())
    if k < LEAST_RETURNS or n - k < LEAST_RETURNS:
        return ReturnModel(share, n, k, None)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    return ReturnModel(share, n, k, pipeline.fit(_design(lost), came))


def _design(lost: pd.DataFrame) -> Floats:
    """Logarithms, the silence in own gaps, and whether there was a second purchase to measure a gap by."""
    silent, gap, days, spend, tenure = (lost[name].to_numpy(float) for name in INPUTS)
    known = np.isfinite(gap) & (gap > 0)
    gaps = np.where(known, np.log(np.maximum(silent, 1.0) / np.where(known, gap, 1.0)), 0.0)
    columns = [
        np.log1p(silent),
        np.log1p(days),
        np.log1p(np.maximum(np.nan_to_num(spend), 0)),
        np.log1p(tenure),
        gaps,
        known,
    ]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


@dataclass(frozen=True)
class SecondValue:
    """Margin of a second lifetime by tier of the first one's spend.

    Parameters
    ----------
    edges : ndarray of shape (TIERS − 1,)
        Spend of a purchase day that divides the tiers.
    mean, error : ndarray of shape (TIERS,)
        Shrunken mean margin of past returners over the horizon, money, and its standard error.
    n : ndarray of shape (TIERS,)
        Returners of each tier.
    """

    edges: Floats
    mean: Floats
    error: Floats
    n: npt.NDArray[np.int64]

    def predict(self, spend_per_day: npt.ArrayLike, level: float = 0.9) -> tuple[Floats, Floats, Floats]:
        """Expected margin given a return, and the interval of that mean, each of shape (n,)."""
        tier = np.searchsorted(self.edges, np.nan_to_num(np.asarray(spend_per_day, dtype=float)), side="right")
        z = float(norm.ppf((1 + level) / 2))
        mean, error = self.mean[tier], self.error[tier]
        return mean, mean - z * error, mean + z * error


def fit_second_value(spend_per_day: npt.ArrayLike, margin: npt.ArrayLike) -> SecondValue:
    """Learn from past returners what they brought after coming back.

    Each tier's mean is drawn to the mean of all returners, as if `PRIOR_RETURNS` more had brought that.

    Parameters
    ----------
    spend_per_day : array of shape (n,)
        Mean spend of a purchase day in the first lifetime, money.
    margin : array of shape (n,)
        Margin in the horizon after the return, money.

    Raises
    ------
    DataError
        With fewer than `LEAST_RETURNS` returners.

    Examples
    --------
    >>> found = fit_second_value([1.0] * 20 + [5.0] * 20 + [9.0] * 20, [10.0] * 20 + [20.0] * 20 + [30.0] * 20)
    >>> found.mean.tolist()  # (20 x 10 + 20 x 20) / 40, and so on
    [15.0, 20.0, 25.0]
    """
    spend, came = np.asarray(spend_per_day, dtype=float), np.asarray(margin, dtype=float)
    if len(came) < LEAST_RETURNS:
        raise DataError(f"second value: {len(came)} past returners; expected {LEAST_RETURNS} or more")
    edges = np.quantile(spend, np.arange(1, TIERS) / TIERS)
    tier = np.searchsorted(edges, spend, side="right")
    n = np.bincount(tier, minlength=TIERS)
    total = np.bincount(tier, came, minlength=TIERS)
    mean = (total + PRIOR_RETURNS * came.mean()) / (n + PRIOR_RETURNS)
    error = np.full(TIERS, came.std(ddof=1)) / np.sqrt(n + PRIOR_RETURNS)
    return SecondValue(edges, mean, error, n)
