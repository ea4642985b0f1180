"""`PopulationState`: what is fitted on the whole population before a cutoff, made once and shared.

Plain features need nothing but the customer's own rows. The rest, the pooled survival of gaps and the
BG/NBD parameters, is this small artifact; it is stored with the model, so training and serving agree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.btyd.bgnbd import BgNbd, fit_bgnbd
from holdfast.features.feature import Case, Feature
from holdfast.features.spoken import AGO, GAPS, LAST, NEVER, ONE_DAY

Floats = npt.NDArray[np.float64]

MAX_CUSTOMERS = 50_000
PRIOR = 2.0
PRIOR_CONDITIONAL = 10.0

STATE_COLUMNS = ("r", "n_gaps", "gaps_longer", "gaps_longer_h", "tenure_days", "purchase_days_all")
"""Columns of the stateless features that the fitted ones are computed from."""


@dataclass(frozen=True)
class PopulationState:
    """Fitted on what was known before one cutoff.

    Parameters
    ----------
    survival : tuple of float
        Pooled Kaplan-Meier estimate S(g) that a gap exceeds g days, g = 0, 1, …; each customer weighs
        the same, open gaps are censored at the cutoff.
    bgnbd : BgNbd or None
        None where the model does not apply (too few customers or no repeat purchase).
    """

    survival: tuple[float, ...]
    bgnbd: BgNbd | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"survival": list(self.survival), "bgnbd": asdict(self.bgnbd) if self.bgnbd else None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PopulationState":
        """Read what `to_dict` gave."""
        return cls(tuple(data["survival"]), BgNbd(**data["bgnbd"]) if data["bgnbd"] else None)


def fit_population(gaps: pd.DataFrame, state: pd.DataFrame) -> PopulationState:
    """Fit the state of one cutoff.

    Parameters
    ----------
    gaps : DataFrame
        Closed gaps: `gap` (days), `n_gaps` (own gaps of those customers), `n` (how many such gaps).
    state : DataFrame
        One row per customer: `r` (days since last), `n_gaps`, `tenure_days`, `purchase_days_all`.
    """
    survival = kaplan_meier(gaps, state)
    sample = state if len(state) <= MAX_CUSTOMERS else state.iloc[:: -(-len(state) // MAX_CUSTOMERS)]
    age = sample["tenure_days"].to_numpy(np.float64)
    last = age - sample["r"].to_numpy(np.float64)
    return PopulationState(survival, fit_bgnbd(sample["purchase_days_all"].to_numpy(np.float64) - 1, last, age))


def kaplan_meier(gaps: pd.DataFrame, state: pd.DataFrame) -> tuple[float, ...]:
    """Pooled Kaplan-Meier survival of gaps with one unit of weight per customer.

    Frequent buyers would rule an unweighted curve; each customer's closed gaps and the open one share
    a weight of one.
    """
    if state.empty:
        return (1.0,)
    closed_gap = gaps["gap"].to_numpy(np.int64)
    closed_weight = gaps["n"].to_numpy(np.float64) / (gaps["n_gaps"].to_numpy(np.float64) + 1)
    open_gap = state["r"].to_numpy(np.int64)
    open_weight = 1 / (state["n_gaps"].fillna(0).to_numpy(np.float64) + 1)
    size = int(max(closed_gap.max(initial=0), open_gap.max(initial=0))) + 1
    events = np.bincount(closed_gap, closed_weight, size)
    censored = np.bincount(open_gap, open_weight, size)
    at_risk = np.cumsum((events + censored)[::-1])[::-1]
    hazard = np.divide(events, at_risk, out=np.zeros(size), where=at_risk > 0)
    return tuple(np.cumprod(1 - np.clip(hazard, 0, 1)).tolist())


def fitted_features(frame: pd.DataFrame, state: PopulationState, horizon: int) -> pd.DataFrame:
    """Own-rhythm survival and BG/NBD quantities for the rows of one cutoff.

    Parameters
    ----------
    frame : DataFrame
        Needs `STATE_COLUMNS`; rows without a purchase get missing values.
    state : PopulationState
        Fitted before that cutoff.
    horizon : int
        Label horizon H in days.

    Returns
    -------
    DataFrame
        The columns of `FITTED_FEATURES`, same index.
    """
    r = frame["r"].to_numpy(np.float64)
    known = ~np.isnan(r)
    now, ahead = _survival_at(state.survival, r), _survival_at(state.survival, r + horizon)
    longer, longer_h = (frame[name].fillna(0).to_numpy(np.float64) for name in ("gaps_longer", "gaps_longer_h"))
    n_gaps = frame["n_gaps"].fillna(0).to_numpy(np.float64)
    own = longer + PRIOR * now
    ratio = np.divide(ahead, now, out=np.full(len(r), np.nan), where=now > 0)
    columns = {
        "rhythm_survival": own / (n_gaps + PRIOR),
        "rhythm_survival_h": np.divide(longer_h + PRIOR * ahead, own, out=np.full(len(r), np.nan), where=own > 0),
        "rhythm_silence_h": (longer_h + PRIOR_CONDITIONAL * ratio) / (longer + PRIOR_CONDITIONAL),
        "pooled_silence_h": ratio,
        **_bgnbd_columns(frame, state.bgnbd, horizon),
    }
    return pd.DataFrame({name: np.where(known, values, np.nan) for name, values in columns.items()}, index=frame.index)


def _survival_at(survival: Sequence[float], gap: Floats) -> Floats:
    """S(gap), with the tail held at its last step."""
    curve = np.asarray(survival)
    index = np.clip(np.nan_to_num(gap), 0, len(curve) - 1).astype(np.int64)
    return np.asarray(curve[index])


def _bgnbd_columns(frame: pd.DataFrame, model: BgNbd | None, horizon: int) -> dict[str, Floats]:
    names = ("btyd_p_alive", "btyd_p_no_purchase", "btyd_expected_purchases_h")
    if model is None:
        return {name: np.full(len(frame), np.nan) for name in names}
    age = frame["tenure_days"].to_numpy(np.float64)
    x = frame["purchase_days_all"].to_numpy(np.float64) - 1
    t_x = age - frame["r"].to_numpy(np.float64)
    return {
        names[0]: model.p_alive(x, t_x, age),
        names[1]: model.p_no_purchase(x, t_x, age, horizon),
        names[2]: model.expected_purchases(x, t_x, age, horizon),
    }


_LAST = f"last order {AGO}"
_AHEAD = " in the period ahead"
_GAPS = ", by own and others' gaps"
_ONCE = Case("", "purchase_days_all", below=2)


def _rhythm(name: str, more: str) -> Feature:
    return Feature(name, "probability", "rhythm", "all", None, f"{_LAST}; {more}", fitted=True, cases=(NEVER, ONE_DAY),
                   about=(LAST, GAPS))  # fmt: skip


def _expectation(name: str, words: str, unit: str = "probability", cases: tuple[Case, ...] = ()) -> Feature:
    words = f"by the order dates alone {words}"
    return Feature(name, unit, "expectation", "all", None, words, fitted=True, cases=cases)


FITTED_FEATURES = (
    _rhythm("rhythm_survival", "{rhythm_survival:.0%} of gaps are longer, own and others' counted"),
    _rhythm("rhythm_survival_h", "{rhythm_survival_h:.0%} likely to buy nothing" + _AHEAD + _GAPS),
    _rhythm("rhythm_silence_h", "{rhythm_silence_h:.0%} likely to buy nothing" + _AHEAD + _GAPS),
    _rhythm("pooled_silence_h", "after such a pause {pooled_silence_h:.0%} of all customers buy nothing" + _AHEAD),
    _expectation("btyd_p_alive", "still a customer with {btyd_p_alive:.0%} probability", cases=(_ONCE,)),
    _expectation("btyd_p_no_purchase", "{btyd_p_no_purchase:.0%} likely to buy nothing" + _AHEAD),
    _expectation("btyd_expected_purchases_h", "{btyd_expected_purchases_h:.1f} purchases to be expected" + _AHEAD,
                 unit="purchases"),
)  # fmt: skip
