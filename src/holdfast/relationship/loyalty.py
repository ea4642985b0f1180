"""Loyal, captive or habitual: staying that is chosen, forced, or not thought about (domain D9, C7)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

LIKELY = 0.5
"""Probability of repurchase from which somebody is expected to stay."""
LOCKED = 0.5
"""Switching cost index from which leaving is hard."""
LONG_TERM_MONTHS = 12.0
"""Months of contract still to run that count as the whole of this component."""
MANY_MEMBERSHIPS = 2.0
PROMOTER = 9.0
"""Answer to the recommendation question from which somebody recommends (Reichheld, 2003)."""

STRATEGY: Mapping[str, str] = {
    "loyal": "thank, listen, ask for a recommendation; no discount is needed",
    "captive": "earn the commitment before the tie ends: repair what annoys, make the contract worth it",
    "habitual": "give a reason beside the habit: a personal tie or a service that rivals do not have",
    "uncertain": "win the next purchase first; loyalty is not yet in sight",
    "not measured": "ask: neither commitment nor recommendation is on record",
}
"""What follows from each kind of attachment."""


def switching_cost(features: pd.DataFrame) -> "pd.Series[float]":
    """Index of how hard it is to leave, apart from whether one wants to (C7).

    Components, each between 0 and 1: months of contract still to run (of twelve), active memberships (of two), and
    the rank of the collected points among those who have some. They add like independent locks: one minus the product
    of what each leaves open.

    Parameters
    ----------
    features : DataFrame
        Features at one cutoff; uses `contract_term_months, contract_term_used, memberships_active,
        membership_points` where they are there.

    Returns
    -------
    Series
        In [0, 1]; missing where none of the components is recorded at all.

    Examples
    --------
    >>> switching_cost(pd.DataFrame({"memberships_active": [0.0, 1.0, 2.0]})).tolist()
    [0.0, 0.5, 1.0]
    """
    parts = []
    if {"contract_term_months", "contract_term_used"} <= set(features.columns):
        left = features["contract_term_months"] * (1 - features["contract_term_used"]).clip(lower=0)
        parts.append(left / LONG_TERM_MONTHS)
    if "memberships_active" in features.columns:
        parts.append(features["memberships_active"] / MANY_MEMBERSHIPS)
    if "membership_points" in features.columns:
        points = features["membership_points"].where(features["membership_points"] > 0)
        parts.append(points.rank(pct=True) / 2)  # points alone never lock
    if not parts:
        return pd.Series(np.nan, index=features.index, dtype=float)
    open_share = np.ones(len(features))
    for part in parts:
        open_share *= 1 - part.astype(float).fillna(0.0).clip(0, 1).to_numpy()
    return pd.Series(1 - open_share, index=features.index)


def evidence(features: pd.DataFrame) -> pd.DataFrame:
    """Whether each customer recommends and is committed, as far as that is recorded.

    Parameters
    ----------
    features : DataFrame
        Features at one cutoff; uses `referrals_all, nps_last, commitment_last` where they are there.

    Returns
    -------
    DataFrame
        `recommends, committed`: boolean, missing where it is not known. Who has referred somebody, or answers nine or
        ten, recommends. Committed is an answer above the middle of the answers' own range: surveys differ in scale.
    """
    index = features.index
    recommends = pd.Series(pd.NA, index=index, dtype="boolean")
    if "nps_last" in features.columns:
        recommends = (features["nps_last"] >= PROMOTER).astype("boolean").mask(features["nps_last"].isna())
    if "referrals_all" in features.columns:
        referred = (features["referrals_all"].fillna(0) > 0).astype("boolean")
        recommends = recommends.fillna(False) | referred
    committed = pd.Series(pd.NA, index=index, dtype="boolean")
    if "commitment_last" in features.columns:
        answers = features["commitment_last"].astype(float)
        middle = (answers.min() + answers.max()) / 2
        committed = (answers > middle).astype("boolean").mask(answers.isna())
    return pd.DataFrame({"recommends": recommends, "committed": committed})


def attachment(p_loyal: "pd.Series[float]", cost: "pd.Series[float]", known: pd.DataFrame) -> "pd.Series[str]":
    """What holds each customer: `loyal`, `captive`, `habitual`, `uncertain`, or `not measured`.

    - *loyal*: expected to repurchase, and recommends or is committed.
    - *captive*: hard to leave, neither committed nor recommending, whatever the repurchase: locked in is not loyal.
    - *habitual*: expected to repurchase, free to leave, neither committed nor recommending.
    - *uncertain*: not expected to repurchase and free to leave.
    - *not measured*: neither commitment nor recommendation is recorded, so the first three cannot be told apart.

    Parameters
    ----------
    p_loyal : Series
        Probability of repurchase.
    cost : Series
        `switching_cost`; missing counts as free to leave.
    known : DataFrame
        `evidence`.

    Returns
    -------
    Series of str

    Examples
    --------
    >>> known = pd.DataFrame({"recommends": [True, False, False], "committed": [pd.NA, False, False]}, dtype="boolean")
    >>> attachment(pd.Series([0.9, 0.9, 0.9]), pd.Series([0.0, 0.8, 0.1]), known).tolist()
    ['loyal', 'captive', 'habitual']
    """
    stays = (p_loyal >= LIKELY).to_numpy(bool)
    locked = (cost >= LOCKED).fillna(False).to_numpy(bool)
    attached = known.fillna(False).any(axis=1).to_numpy(bool)
    asked: npt.NDArray[np.bool_] = known.notna().any(axis=1).to_numpy(bool)
    named = np.select(
        [~stays & ~locked, ~asked, stays & attached, locked & ~attached, stays],
        ["uncertain", "not measured", "loyal", "captive", "habitual"], "uncertain",
    )  # fmt: skip
    return pd.Series(named, index=p_loyal.index)
