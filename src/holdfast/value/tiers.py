"""Worth keeping: value tier, potential tier, and how much care follows (domain C5)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

VALUE_TIERS = ("negative", "low", "middle", "high")
POTENTIAL_TIERS = ("low", "middle", "high")
VALUE_SHARES = (0.5, 0.8)
"""Below the half of the customers in lifetime value, up to four in five, and the best fifth."""
PEERS = 5
"""Groups of customers by tenure, within which the spend of the best fifth is the potential."""
REACHED = 0.8

CARE: Mapping[tuple[str, str], str] = {
    ("high", "high"): "a manager of their own, and a plan to grow",
    ("high", "middle"): "a manager of their own",
    ("high", "low"): "keep: care without selling",
    ("middle", "high"): "develop: one person to turn to",
    ("middle", "middle"): "regular care",
    ("middle", "low"): "regular care, nothing costly",
    ("low", "high"): "try cheap offers and watch",
    ("low", "middle"): "service on request",
    ("low", "low"): "self-service",
}
"""How much care follows from both tiers; a customer with negative value is offered nothing."""
NO_CARE = "no offer: negative value"


def value_tier(clv: "pd.Series[float]") -> "pd.Series[str]":
    """Tier by lifetime value: a higher value never has a lower tier, equal values share one; missing if not measured.

    Examples
    --------
    >>> value_tier(pd.Series([-1.0, 1.0, 2.0, 3.0, 4.0])).tolist()
    ['negative', 'low', 'low', 'middle', 'high']
    """
    rank = clv.where(clv >= 0).rank(pct=True, method="average")
    below = [rank <= share + 1e-9 for share in VALUE_SHARES]
    named = np.select([clv.isna(), clv < 0, *below], ["", *VALUE_TIERS[:3]], "high")
    return pd.Series(named, index=clv.index).replace("", np.nan)


def potential(spend: "pd.Series[float]", tenure_days: "pd.Series[float]") -> "pd.Series[float]":
    """How far a customer's spend lies below that of the best fifth of customers of about the same tenure.

    Parameters
    ----------
    spend : Series
        Spend of the last year.
    tenure_days : Series
        Days since the first purchase.

    Examples
    --------
    >>> potential(pd.Series([1.0, 2.0, 3.0, 4.0, 5.0]), pd.Series([10.0] * 5)).round(1).tolist()
    [3.2, 2.2, 1.2, 0.2, 0.0]
    """
    rank = tenure_days.rank(pct=True, method="average")
    group = np.minimum(np.floor(rank * PEERS), PEERS - 1)
    best = spend.groupby(group).transform(lambda part: part.quantile(REACHED))
    return (best - spend).clip(lower=0.0)


def potential_tier(room: "pd.Series[float]") -> "pd.Series[str]":
    """Thirds by potential; who has none is low."""
    rank = room.rank(pct=True, method="average")
    named = np.select([room.isna(), (room <= 0) | (rank <= 1 / 3), rank <= 2 / 3], ["", "low", "middle"], "high")
    return pd.Series(named, index=room.index).replace("", np.nan)


def care(value: "pd.Series[str]", room: "pd.Series[str]") -> "pd.Series[str]":
    """How much care follows from both tiers."""
    pairs = pd.Series(list(zip(value, room, strict=True)), index=value.index)
    return pairs.map(dict(CARE)).where(value != "negative", NO_CARE)
