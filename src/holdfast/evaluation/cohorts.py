"""Who is still there after so many days: a survival curve for each cohort of joiners (domain A2)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from holdfast.errors import DataError
from holdfast.evaluation.survival import kaplan_meier


def cohort_survival(
    cohort: "pd.Series[str]", days: "pd.Series[float]", ended: "pd.Series[bool]", ages: Sequence[float]
) -> pd.DataFrame:
    """Kaplan-Meier survival of each cohort, and of all, at given ages.

    Parameters
    ----------
    cohort : Series of str
        When each customer joined; missing is a cohort.
    days : Series of float
        Days from joining to the end of the relationship, or to the last day at which it was seen to go on.
    ended : Series of bool
        Whether it ended; the others are censored.
    ages : sequence of float
        Days after joining.

    Returns
    -------
    DataFrame
        `cohort, age_days, at_risk, survival, low, high`; the first cohort is `all`. An age at which nobody of the
        cohort could be watched any longer is left out. The interval is Greenwood's on the log-log scale.

    References
    ----------
    Kaplan & Meier (1958), JASA 53; Greenwood (1926); Kalbfleisch & Prentice (2002), section 1.4.

    Examples
    --------
    >>> found = cohort_survival(pd.Series(["a"] * 4), pd.Series([1.0, 2, 2, 3]),
    ...     pd.Series([True, True, False, True]), [1, 2])
    >>> found.loc[found["cohort"] == "a", "survival"].round(4).tolist()
    [0.75, 0.5]
    """
    if (days < 0).any():
        raise DataError(f"survival: {int((days < 0).sum())} customers end before they join")
    named = cohort.astype(object).where(cohort.notna(), "missing").astype(str)
    parts = [_curve("all", days, ended, ages)]
    parts += [_curve(name, days[named == name], ended[named == name], ages) for name in sorted(named.unique())]
    return pd.concat(parts, ignore_index=True)


def _curve(name: str, days: "pd.Series[float]", ended: "pd.Series[bool]", ages: Sequence[float]) -> pd.DataFrame:
    length, over = days.to_numpy(float), ended.to_numpy(bool)
    asked = np.array([age for age in ages if age <= length.max(initial=-1.0)], dtype=float)
    survival = kaplan_meier(length, over).at(asked) if len(length) else np.zeros(0)
    ordered, ends = np.sort(length), np.sort(length[over])
    moments = np.unique(ends)
    risk = len(ordered) - np.searchsorted(ordered, moments, side="left")
    happened = np.searchsorted(ends, moments, side="right") - np.searchsorted(ends, moments, side="left")
    # the last customer at risk makes a division by zero; the curve is at 0 there and has no interval
    terms = np.divide(happened, risk * (risk - happened), out=np.zeros(len(risk)), where=risk > happened)
    variance = np.concatenate([[0.0], np.cumsum(terms)])[np.searchsorted(moments, asked, side="right")]
    inner = (survival > 0) & (survival < 1)
    log = np.log(np.where(inner, survival, 0.5))
    half = float(norm.ppf(0.975)) * np.sqrt(variance) / -log
    low = np.where(inner, np.exp(log * np.exp(half)), survival)
    high = np.where(inner, np.exp(log * np.exp(-half)), survival)
    return pd.DataFrame({
        "cohort": name, "age_days": asked, "at_risk": len(ordered) - np.searchsorted(ordered, asked, side="left"),
        "survival": survival, "low": low, "high": high,
    })  # fmt: skip
