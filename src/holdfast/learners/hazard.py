"""When, and why: a discrete-time hazard with competing causes.

Time ahead is cut into periods of 30 days. For a customer still there at the beginning of a period, each cause has a
probability of ending the relation in it (Tutz & Schmid 2016). The periods of all customers are pooled and every cause
gets a blend of its own on the customer's features, the tenure reached, how far ahead the period lies, and, once more
than a year of periods is at hand, the season. Survival is the product of what the causes leave; the incidence of a
cause adds up its hazards among those still there.

Periods in which nothing happened are many: above `MOST_ROWS` they are thinned, and the odds are corrected for it.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from holdfast.errors import DataError
from holdfast.learners.blend import BlendClassifier

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_ROWS = 150_000
FEW_EVENTS = 30
"""A cause with fewer events has the same hazard for everybody."""
SEASON_DAYS = 420
AHEAD, TENURE, SEASON = "period_ahead", "tenure_at_period_days", ("season_sin", "season_cos")


@dataclass(frozen=True)
class Curves:
    """What a hazard model expects of each customer.

    Parameters
    ----------
    survival : ndarray of shape (n, periods + 1)
        Probability of still being there at the end of each period; the first column is 1.
    incidence : dict of str to ndarray of shape (n, periods)
        Probability of having ended for a cause by the end of each period.
    period_days : int
        Length of a period.
    """

    survival: Floats
    incidence: dict[str, Floats]
    period_days: int

    def at(self, days: float) -> Floats:
        """Survival at a number of days ahead, linear within a period, shape (n,)."""
        place = np.clip(days / self.period_days, 0, self.survival.shape[1] - 1)
        left = int(np.floor(place))
        right = min(left + 1, self.survival.shape[1] - 1)
        share = place - left
        return np.asarray((1 - share) * self.survival[:, left] + share * self.survival[:, right])

    def remaining_days(self) -> Floats:
        """Expected days still there within the periods looked at (restricted mean), shape (n,)."""
        return np.asarray(((self.survival[:, 1:] + self.survival[:, :-1]) / 2).sum(axis=1) * self.period_days)


class DiscreteHazard(BaseEstimator):  # type: ignore[misc]
    """Cause-specific hazards by period.

    Parameters
    ----------
    period_days : int
        Length of a period.
    periods : int
        Periods ahead that are modelled at most.
    seed : int
        Of the blends and of the thinning.

    Attributes
    ----------
    causes_ : tuple of str
        Causes seen in training, sorted.
    models_ : dict of str to BlendClassifier or float
        A blend for each cause, or one hazard for everybody.
    periods_ : int
        Periods that training saw.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"risk": rng.normal(size=3000)})
    >>> days = rng.exponential(300 * np.exp(-X["risk"]))
    >>> ended = days < 360
    >>> model = DiscreteHazard().fit(
    ...     X, np.minimum(days, 360), np.where(ended, "left", None), np.zeros(3000), np.full(3000, "2024-01-01"))
    >>> found = model.predict(pd.DataFrame({"risk": [-1.0, 1.0]}), np.zeros(2), ["2024-01-01"] * 2, 12)
    >>> bool(found.at(180)[0] > 0.7 > 0.4 > found.at(180)[1])
    True
    """

    def __init__(self, period_days: int = 30, periods: int = 24, seed: int = 0) -> None:
        self.period_days = period_days
        self.periods = periods
        self.seed = seed

    def fit(
        self, X: pd.DataFrame, duration_days: npt.ArrayLike, cause: Any, tenure_days: npt.ArrayLike, cutoff: Any
    ) -> Self:
        """Fit one blend per cause on the pooled periods.

        Parameters
        ----------
        X : DataFrame of shape (n, n_features)
            Features known at the cutoff.
        duration_days : array of shape (n,)
            Days from the cutoff to the end, or to when the customer was last seen.
        cause : array of shape (n,)
            Why the relation ended; None for those still there.
        tenure_days : array of shape (n,)
            Days with the firm at the cutoff.
        cutoff : array of shape (n,)
            Dates.

        Raises
        ------
        DataError
            When nobody was watched for one period, or nobody left.
        """
        duration = np.asarray(duration_days, dtype=np.float64)
        why = np.asarray(pd.Series(cause, dtype=object), dtype=object)
        ended = np.asarray(pd.notna(why), dtype=bool)
        dates = pd.to_datetime(pd.Series(cutoff)).to_numpy("datetime64[D]")
        row, period, last = _expand(
            duration, ended, self.period_days, _watched(duration, ended, dates, self.period_days, self.periods)
        )
        if not len(row) or not (last & ended[row]).any():
            raise DataError(
                f"hazard: {len(row)} periods of {len(duration)} customers with an end in none; expected some"
            )
        self.periods_ = int(period.max()) + 1
        self.causes_ = tuple(sorted({str(word) for word in why[row[last & ended[row]]]}))
        event = np.full(len(row), None, dtype=object)
        event[last & ended[row]] = why[row[last & ended[row]]]
        kept, share = self._thin(event)
        span = _days(dates[row], period, self.period_days)
        self.seasonal_ = bool(np.ptp(span.astype("datetime64[D]").astype(np.int64)) >= SEASON_DAYS)
        table = self._table(X, np.asarray(tenure_days, dtype=np.float64), dates, row[kept], period[kept])
        self.models_: dict[str, BlendClassifier | float] = {}
        self.offset_ = float(np.log(share))
        for name in self.causes_:
            hit = event[kept] == name
            if hit.sum() < FEW_EVENTS or hit.all():
                self.models_[name] = float((event == name).mean())
            else:
                self.models_[name] = BlendClassifier(seed=self.seed).fit(table, hit.astype(np.int8))
        return self

    def _thin(self, event: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.intp], float]:
        """Every period with an end, and as many of the others as fit; the share of the others that is kept."""
        quiet = np.asarray(pd.isna(event), dtype=bool)
        room = max(MOST_ROWS - int((~quiet).sum()), int((~quiet).sum()))
        if quiet.sum() <= room:
            return np.arange(len(event), dtype=np.intp), 1.0
        chosen = np.random.default_rng(self.seed).choice(np.flatnonzero(quiet), room, replace=False)
        return np.sort(np.concatenate([np.flatnonzero(~quiet), chosen])).astype(np.intp), room / int(quiet.sum())

    def _table(
        self,
        X: pd.DataFrame,
        tenure: Floats,
        dates: npt.NDArray[np.datetime64],
        row: npt.NDArray[np.intp],
        period: Ints,
    ) -> pd.DataFrame:
        """Features of the customer beside those of the period."""
        extra = {AHEAD: period.astype(np.float64), TENURE: tenure[row] + period * self.period_days}
        if self.seasonal_:
            day = _days(dates[row], period, self.period_days).astype("datetime64[D]")
            turn = 2 * np.pi * (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64) / 365.25
            extra |= {SEASON[0]: np.sin(turn), SEASON[1]: np.cos(turn)}
        known = X.iloc[row].reset_index(drop=True)
        return pd.concat([known, pd.DataFrame(extra, index=known.index)], axis=1)

    def predict(self, X: pd.DataFrame, tenure_days: npt.ArrayLike, cutoff: Any, periods: int | None = None) -> Curves:
        """Survival and incidence of each customer, at most as far as training saw.

        Parameters
        ----------
        X, tenure_days, cutoff
            As in `fit`.
        periods : int, optional
            Periods ahead.
        """
        check_is_fitted(self, "models_")
        count = min(periods or self.periods_, self.periods_)
        tenure = np.asarray(tenure_days, dtype=np.float64)
        dates = pd.to_datetime(pd.Series(cutoff)).to_numpy("datetime64[D]")
        n, rows = len(X), np.arange(len(X), dtype=np.intp)
        survival = np.ones((n, count + 1))
        incidence = {name: np.zeros((n, count)) for name in self.causes_}
        for k in range(count):
            table = self._table(X, tenure, dates, rows, np.full(n, k, dtype=np.int64))
            hazards = np.column_stack([self._hazard(name, table) for name in self.causes_])
            hazards /= np.maximum(hazards.sum(axis=1, keepdims=True), 1.0)
            for place, name in enumerate(self.causes_):
                before = incidence[name][:, k - 1] if k else 0.0
                incidence[name][:, k] = before + survival[:, k] * hazards[:, place]
            survival[:, k + 1] = survival[:, k] * (1 - hazards.sum(axis=1))
        return Curves(survival, incidence, self.period_days)

    def _hazard(self, name: str, table: pd.DataFrame) -> Floats:
        model = self.models_[name]
        if isinstance(model, float):
            return np.full(len(table), model)
        # thinned periods without an end make the odds of one too large by 1 / share
        return np.asarray(expit(model.decision_function(table) + self.offset_))


def _expand(
    duration: Floats, ended: npt.NDArray[np.bool_], period_days: int, most: Ints
) -> tuple[npt.NDArray[np.intp], Ints, npt.NDArray[np.bool_]]:
    """Row, period and whether it is the row's last, for every period that was watched whole or saw the end."""
    whole = np.floor(np.maximum(duration, 0) / period_days).astype(np.int64)
    count = np.minimum(whole + ended, most)
    row = np.repeat(np.arange(len(duration)), count).astype(np.intp)
    first = np.cumsum(count) - count
    period = np.arange(len(row), dtype=np.int64) - first[row]
    return row, period, (period == whole[row]) & ended[row]


def _watched(
    duration: Floats, ended: npt.NDArray[np.bool_], dates: npt.NDArray[np.datetime64], period_days: int, most: int
) -> Ints:
    """Whole periods from each date to the last day that anybody was seen.

    In a period that is cut short by that day ends are seen and staying is not, so it counts for neither. Where nobody
    is left, nothing is cut short.
    """
    if ended.all():
        return np.full(len(duration), most, dtype=np.int64)
    day = dates.astype("datetime64[D]").astype(np.int64)
    left = (day + duration).max() - day if len(day) else day
    return np.minimum(np.floor(left / period_days).astype(np.int64), most)


def _days(dates: npt.NDArray[np.datetime64], period: Ints, period_days: int) -> npt.NDArray[np.datetime64]:
    """First day of a period."""
    return np.asarray(dates + (period * period_days).astype("timedelta64[D]"))
