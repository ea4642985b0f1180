"""Are planted causes found: a figure for the simulated world only, where the cause of each exit is known.

It shows that the road from cause to contribution works when causes leave the traces that the simulator plants.
It says nothing about how often a real customer's reason is found.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import f1_score

from holdfast.errors import DataError
from holdfast.schema import EXIT_CLASSES

_SHUFFLES = 200


def top_classes(by_exit_class: pd.DataFrame, top: int = 3) -> npt.NDArray[np.bool_]:
    """Which of the six exit classes are among a customer's `top` strongest that push toward leaving, (n, 6).

    Examples
    --------
    >>> sums = pd.DataFrame([[0.5, -0.1, 0.2, 0, 0, 0]], columns=list(EXIT_CLASSES))
    >>> top_classes(sums, top=3).tolist()
    [[True, False, True, False, False, False]]
    """
    sums = by_exit_class.reindex(columns=list(EXIT_CLASSES), fill_value=0.0).to_numpy(dtype="float64")
    places = np.argsort(np.argsort(-sums, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray((places < top) & (sums > 0))


def cause_recovery(by_exit_class: pd.DataFrame, causes: "pd.Series[Any]", seed: int, top: int = 3) -> dict[str, Any]:
    """Share of customers hit by a planted cause whose top drivers hold that cause, beside a shuffled control.

    Parameters
    ----------
    by_exit_class : DataFrame
        From `attribute`, one row per customer.
    causes : Series
        Planted exit class per customer, same index; anything that is not one of the six classes (nobody hit,
        causes nobody can influence) is left out.
    seed : int
        Seed of the shuffles.
    top : int
        How many drivers count as top.

    Returns
    -------
    dict
        `hit_rate`; `control_rate`: mean over 200 permutations of the causes among the same customers;
        `control_high`: their 97.5 % quantile, which a real recovery exceeds; `n`; `by_class`: per planted class
        `n, hit_rate, control_rate` (control: how often the class is among the top of all customers hit).
        Rates are NaN when nobody was hit.

    Raises
    ------
    DataError
        When the two do not have the same rows.
    """
    if not by_exit_class.index.equals(causes.index):
        raise DataError("cause_recovery: drivers and causes have different rows; align them by customer first")
    hit = causes.isin(EXIT_CLASSES).to_numpy()
    codes = pd.Categorical(causes[hit], categories=list(EXIT_CLASSES)).codes.astype(np.intp)
    among = top_classes(by_exit_class[hit], top)
    if not len(codes):
        return {"hit_rate": np.nan, "control_rate": np.nan, "control_high": np.nan, "n": 0, "by_class": {}}
    rows = np.arange(len(codes))
    found = among[rows, codes]
    random = np.random.default_rng(seed)
    control = [float(among[rows, random.permutation(codes)].mean()) for _ in range(_SHUFFLES)]
    by_class = {
        name: {
            "n": int((codes == code).sum()),
            "hit_rate": float(found[codes == code].mean()),
            "control_rate": float(among[:, code].mean()),
        }
        for code, name in enumerate(EXIT_CLASSES)
        if (codes == code).any()
    }
    return {
        "hit_rate": float(found.mean()),
        "control_rate": float(np.mean(control)),
        "control_high": float(np.quantile(control, 0.975)),
        "n": len(codes),
        "by_class": by_class,
    }


@dataclass(frozen=True)
class ReasonRecovery:
    """Planted causes against one column of reasons, a leaver once.

    Parameters
    ----------
    rows : DataFrame
        `customer_id, cutoff, cause` and the column, one row per leaver.
    macro_f1 : float
        Over the six classes; `unknown` is a miss.
    shuffled : ndarray
        The same for shuffled causes.
    """

    rows: pd.DataFrame
    macro_f1: float
    shuffled: npt.NDArray[np.float64]


def reason_recovery(
    reasons: pd.DataFrame, truth: pd.DataFrame, column: str, shuffles: int = 100, seed: int = 0
) -> ReasonRecovery:
    """How well a column of reasons names the planted causes, judged where the exit still lies ahead.

    Parameters
    ----------
    reasons : DataFrame
        `reasons.parquet`.
    truth : DataFrame
        Indexed by customer: `exit_cause`, `exit_at`.
    column : str
        `reason_stated`, `reason_predicted` or `reason_indicated`.
    shuffles, seed : int

    Returns
    -------
    ReasonRecovery
        Of each leaver the last cutoff that is not after the exit; who has none is left out.
    """
    rows = reasons[(reasons["part"] == "leaver") & reasons[column].notna()]
    known = truth.reindex(rows["customer_id"])
    rows = rows.assign(cause=known["exit_cause"].to_numpy(), exit=known["exit_at"].to_numpy())
    rows = rows[rows["cause"].isin(EXIT_CLASSES) & (rows["cutoff"] <= rows["exit"])]
    rows = rows.sort_values(["cutoff", "customer_id"], kind="stable").drop_duplicates("customer_id", keep="last")
    cause, said = rows["cause"].to_numpy(), rows[column].to_numpy().astype(str)
    rng = np.random.default_rng(seed)
    mixed = np.array([_macro_f1(rng.permutation(cause), said) for _ in range(shuffles)])
    return ReasonRecovery(rows[["customer_id", "cutoff", "cause", column]], _macro_f1(cause, said), mixed)


def _macro_f1(cause: Any, said: Any) -> float:
    return float(f1_score(cause, said, labels=list(EXIT_CLASSES), average="macro", zero_division=0.0))
