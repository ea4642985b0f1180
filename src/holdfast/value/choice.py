"""Which estimate of future margin to believe: each is judged on a later cutoff, beside simple rankings.

Error is the squared error of money winsorised at the 99.5 % of what came, over its variance, so that one huge
customer does not decide. The smallest error wins; a rival has to be better by more than `MARGIN` of it, so that a tie
goes to the one that stands first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MARGIN = 0.01
GROUPS = 10
WINSOR = 0.995


@dataclass(frozen=True)
class Judged:
    """What the backtest of several estimates found.

    Parameters
    ----------
    chosen : str
        The estimate to use.
    table : DataFrame
        One row per estimate and ranking: `method, error` (NaN for a mere ranking), `predicted_over_actual, spearman,
        spearman_low, spearman_high, top_decile_share` (of the margin that came, in the tenth ranked first).
    deciles : DataFrame
        Of the chosen one: `decile` (1 = smallest), `n, predicted, actual, ratio, low, high`: means in money, their
        ratio and its interval over resampled customers.
    """

    chosen: str
    table: pd.DataFrame
    deciles: pd.DataFrame


def judge(
    estimates: Mapping[str, Floats],
    actual: Floats,
    rankings: Mapping[str, Floats] | None = None,
    *,
    seed: int = 0,
    resamples: int = 300,
    level: float = 0.95,
) -> Judged:
    """Judge estimates of money on what came.

    Parameters
    ----------
    estimates : mapping of str to ndarray of shape (n,)
        Expected money; the first wins ties.
    actual : ndarray of shape (n,)
        Money that came, one row per customer.
    rankings : mapping of str to ndarray, optional
        Scores that only rank, larger = worth more.
    seed, resamples, level
        Of the customer bootstrap.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mean = rng.gamma(2, 10, 2000)
    >>> came = rng.gamma(2, mean / 2)
    >>> judge({"right": mean, "flat": np.full(2000, 20.0)}, came).chosen
    'right'
    """
    rows = [_row(name, values, actual, money=True) for name, values in estimates.items()]
    rows += [_row(name, values, actual, money=False) for name, values in (rankings or {}).items()]
    table = pd.DataFrame(rows)
    everything = {**estimates, **(rankings or {})}
    spans = _spearman_intervals(everything, actual, seed, resamples, level)
    table = table.assign(spearman_low=[spans[m][0] for m in table["method"]],
                         spearman_high=[spans[m][1] for m in table["method"]])  # fmt: skip
    chosen = _choose(table)
    return Judged(chosen, table, decile_table(estimates[chosen], actual, seed=seed, resamples=resamples, level=level))


def _choose(table: pd.DataFrame) -> str:
    best, least = "", float("inf")
    for method, error in zip(table["method"].tolist(), table["error"].to_numpy(np.float64), strict=True):
        if error < least * (1 - MARGIN if best else 1):  # never for NaN
            best, least = str(method), float(error)
    return best or str(table["method"].iloc[0])


def _row(name: str, values: Floats, actual: Floats, *, money: bool) -> dict[str, Any]:
    total = float(actual.sum())
    first = _top(values)
    return {
        "method": name,
        "error": winsorised_error(values, actual) if money else float("nan"),
        "predicted_over_actual": float(values.sum()) / total if money and total > 0 else float("nan"),
        "spearman": spearman(values, actual),
        "top_decile_share": float(actual[first].sum()) / total if total > 0 else float("nan"),
    }


def winsorised_error(predicted: Floats, actual: Floats) -> float:
    """Squared error over the variance of what came, both winsorised; 1 is no better than the mean."""
    cut = float(np.quantile(actual, WINSOR, method="higher"))
    came = np.minimum(actual, cut)
    variance = float(came.var())
    return float(((np.minimum(predicted, cut) - came) ** 2).mean()) / variance if variance > 0 else float("nan")


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation with mid-ranks; NaN where one side is constant.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    x, y = (pd.Series(values).rank().to_numpy() for values in (a, b))
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale > 0 else float("nan")


def _top(values: Floats) -> npt.NDArray[np.intp]:
    """Rows of the first tenth; equal values in the order of the rows."""
    return np.argsort(-values, kind="stable")[: max(len(values) // GROUPS, 1)]


def _spearman_intervals(
    everything: Mapping[str, Floats], actual: Floats, seed: int, resamples: int, level: float
) -> dict[str, tuple[float, float]]:
    random, n = np.random.default_rng(seed), len(actual)
    drawn: dict[str, list[float]] = {name: [] for name in everything}
    for _ in range(min(resamples, 200)):
        rows = random.integers(0, n, n)
        for name, values in everything.items():
            drawn[name].append(spearman(values[rows], actual[rows]))
    tail = (1 - level) / 2
    found = {}
    for name, draws in drawn.items():
        known = np.array([value for value in draws if np.isfinite(value)])
        low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
        found[name] = (float(low), float(high))
    return found


def decile_table(
    predicted: Floats, actual: Floats, *, seed: int, resamples: int = 300, level: float = 0.95
) -> pd.DataFrame:
    """Predicted beside actual in tenths of the predicted, with an interval of their ratio over resampled customers.

    Examples
    --------
    >>> table = decile_table(np.arange(1.0, 101.0), np.arange(1.0, 101.0), seed=0, resamples=50)
    >>> table["ratio"].round(6).unique().tolist()
    [1.0]
    """
    order = np.argsort(predicted, kind="stable")
    random = np.random.default_rng(seed)
    rows = []
    for group, members in enumerate(np.array_split(order, GROUPS), start=1):
        if not len(members):
            continue
        p, a = predicted[members], actual[members]
        draws = random.integers(0, len(members), (resamples, len(members)))
        ratios = _ratios(p[draws].sum(axis=1), a[draws].sum(axis=1))
        known = ratios[np.isfinite(ratios)]
        tail = (1 - level) / 2
        low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
        rows.append({
            "decile": group, "n": len(members), "predicted": float(p.mean()), "actual": float(a.mean()),
            "ratio": float(_ratios(p.sum(keepdims=True), a.sum(keepdims=True))[0]), "low": float(low),
            "high": float(high),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _ratios(predicted: Floats, actual: Floats) -> Floats:
    ratios: Floats = np.full(len(predicted), np.nan)
    np.divide(predicted, actual, out=ratios, where=actual > 0)
    return ratios
