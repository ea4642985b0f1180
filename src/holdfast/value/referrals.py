"""Value of referrals: how many customers one is likely to bring, and what a referred customer has brought.

The own rate is shrunk to the mean rate of all, as if everybody had been watched for one more year at that rate
(Gamma-Poisson). The value of a referral is the mean margin that referred customers brought in their first days. It is
part of the value of whoever refers; a group's value must leave out those who are members themselves (domain A5).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.windows import shift

Floats = npt.NDArray[np.float64]

YEAR = 365
PRIOR_YEARS = 1.0


@dataclass(frozen=True)
class ReferralValue:
    """What referrals are worth.

    Parameters
    ----------
    per_referral : float
        Mean margin of a referred customer over the days that could be watched, undiscounted.
    mean_rate : float
        Referrals per customer and year.
    n_referrals, n_watched : int
        Referrals so far; referred customers whose days were watched whole.
    days : int
        Days watched.
    """

    per_referral: float
    mean_rate: float
    n_referrals: int
    n_watched: int
    days: int

    def expected(self, made: Floats, years: Floats, horizon_days: int) -> Floats:
        """Referrals expected within the horizon of customers who made `made` in `years`, shape (n,).

        Examples
        --------
        >>> worth = ReferralValue(50.0, 0.1, 20, 20, 365)
        >>> worth.expected(np.array([0.0, 2.0]), np.array([1.0, 1.0]), 365).round(3).tolist()  # (n + .1) / (1 + 1)
        [0.05, 1.05]
        """
        rate = (made + self.mean_rate * PRIOR_YEARS) / (years + PRIOR_YEARS)
        return np.asarray(rate * horizon_days / YEAR)


def referral_value(
    referrals: pd.DataFrame, purchases: pd.DataFrame, cutoff: date, days: int, margin: float, customer_years: float
) -> ReferralValue:
    """Measure the value of a referral from what was known before a cutoff.

    Parameters
    ----------
    referrals : DataFrame
        `referrer_id, referred_id, at`.
    purchases : DataFrame
        `customer_id, at, amount`.
    cutoff : date
        Nothing at or after it is read.
    days : int
        Days after the referral over which the referred customer's margin is summed.
    margin : float
        Share of revenue that is margin.
    customer_years : float
        Years of all customers together, for the mean rate.
    """
    known = referrals.loc[referrals["at"] < pd.Timestamp(cutoff)]
    watched = known.loc[known["at"] < pd.Timestamp(shift(cutoff, -days)), ["referred_id", "at"]]
    watched = watched.sort_values("at", kind="stable").drop_duplicates("referred_id")
    rows = purchases.loc[purchases["at"] < pd.Timestamp(cutoff), ["customer_id", "at", "amount"]]
    joined = watched.merge(rows, left_on="referred_id", right_on="customer_id", suffixes=("", "_bought"))
    inside = (joined["at_bought"] >= joined["at"]) & (joined["at_bought"] < joined["at"] + pd.Timedelta(days=days))
    total = float(joined.loc[inside, "amount"].astype("float64").sum()) * margin
    each = total / len(watched) if len(watched) else float("nan")
    rate = len(known) / customer_years if customer_years > 0 else 0.0
    return ReferralValue(each, rate, len(known), len(watched), days)
