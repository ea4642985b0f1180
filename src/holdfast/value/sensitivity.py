"""How customers of each loyalty tier respond to a price offer, from trials with a control (domain C8)."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

LEAST_ARM = 60
"""Customers that an arm of a tier needs before an effect is said: with fewer the intervals are too narrow."""
USEFUL = 0.05
"""Points of response below which a price offer is no use."""


def price_response(trial: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Effect of a price offer on buying, by loyalty tier.

    Parameters
    ----------
    trial : DataFrame
        `tier`, `treated` (bool), `bought` (0/1): one row per participant, assigned at random.

    Returns
    -------
    DataFrame
        `tier, n_treated, n_control, effect, low, high, verdict`: the difference of the shares who bought and its
        interval; `responds` where it lies above zero (by chance in 2.5 % of trials without an effect), `does not
        respond` where it excludes a useful effect (`USEFUL`), `not clear` between the two, `not measurable` with fewer
        than `LEAST_ARM` in an arm.

    Examples
    --------
    >>> rows = [("loyal", arm, bought) for arm in (True, False) for bought in [1] * 2000 + [0] * 2000]
    >>> price_response(pd.DataFrame(rows, columns=["tier", "treated", "bought"]))[["effect", "verdict"]].values.tolist()
    [[0.0, 'does not respond']]
    """
    z, rows = float(norm.ppf((1 + level) / 2)), []
    for tier, part in trial.groupby("tier", sort=True):
        treated, control = (part.loc[part["treated"] == arm, "bought"].to_numpy(float) for arm in (True, False))
        if min(len(treated), len(control)) < LEAST_ARM:
            rows.append([tier, len(treated), len(control), np.nan, np.nan, np.nan, "not measurable"])
            continue
        effect, error = _difference(treated, control)
        low, high = effect - z * error, effect + z * error
        verdict = "responds" if low > 0 else "does not respond" if high < USEFUL else "not clear"
        rows.append([tier, len(treated), len(control), effect, low, high, verdict])
    columns = ["tier", "n_treated", "n_control", "effect", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def interaction(trial: pd.DataFrame, loyal: str = "loyal") -> dict[str, Any] | None:
    """Whether the loyal respond otherwise than the others: difference of the effects, its interval and probability.

    Returns
    -------
    dict or None
        `difference` (effect on the loyal less that on all others), `low, high, p_value`; None where either cannot be
        measured.
    """
    parts = []
    for mask in (trial["tier"] == loyal, trial["tier"] != loyal):
        part = trial[mask]
        arms = [part.loc[part["treated"] == arm, "bought"].to_numpy(float) for arm in (True, False)]
        if min(len(arm) for arm in arms) < LEAST_ARM:
            return None
        parts.append(_difference(*arms))
    (first, first_error), (second, second_error) = parts
    error = float(np.hypot(first_error, second_error))
    difference = first - second
    p = 2 * float(norm.sf(abs(difference) / error)) if error > 0 else 1.0
    half = float(norm.ppf(0.975)) * error
    return {"difference": difference, "low": difference - half, "high": difference + half, "p_value": p}


def _difference(treated: Any, control: Any) -> tuple[float, float]:
    """Difference of two shares and its standard error, a success and a failure added (Agresti & Caffo, 2000)."""
    shares = [(arm.sum() + 1) / (len(arm) + 2) for arm in (treated, control)]
    error = np.sqrt(sum(p * (1 - p) / (len(arm) + 2) for p, arm in zip(shares, (treated, control), strict=True)))
    return float(shares[0] - shares[1]), float(error)
