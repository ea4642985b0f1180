"""Is a class of leavers rising? An alert with its size, and a stated rate of false alarms (domain A8)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom, norm
from scipy.stats import t as student

from holdfast.errors import DataError

FALSE_ALARMS = 0.05
"""Probability of any false alarm in one look, all classes together."""
LEAST_RATIO = 1.25
"""A rise that chance does not explain but nobody would act on is no alert."""
LEAST_LEAVERS = 10
"""Fewer leavers of a class in the newest period are no alert: where one or two are usual, bursts are too."""
LEAST_PERIODS = 2
"""Earlier periods that make a baseline."""
PERIODS_FOR_SPREAD = 4
"""Earlier periods from which the spread between periods is estimated."""
ANSCOMBE = 0.375


@dataclass(frozen=True)
class Rise:
    """How the newest period stands against the earlier ones.

    Parameters
    ----------
    rate, baseline : float
        Share of the clients lost for this reason, now and before.
    ratio, low, high : float
        Now over before, and its 95 % interval.
    p_value : float
        Probability of such a count or more if nothing had changed.
    spread : float
        Variance between earlier periods over what chance alone makes, at least 1; NaN where it was not given.
    """

    rate: float
    baseline: float
    ratio: float
    low: float
    high: float
    p_value: float
    spread: float


def rise(leavers: ArrayLike, clients: ArrayLike, spread: tuple[float, int] | None = None) -> Rise:
    """Compare the newest period with all earlier ones.

    The exact test conditions on the total: without a change the newest count is binomial with the newest share of the
    clients. Where the spread between periods is known, a t test with it is asked too (on the square-root scale of
    Anscombe, 1948), and the larger probability counts: a rate that always swings does not alarm at each swing.

    Parameters
    ----------
    leavers, clients : array of shape (k,)
        Per period, oldest first: lost for this reason, and clients when it began.
    spread : tuple of float and int, optional
        Variance between periods over what chance alone makes, and its degrees of freedom, as `spread_of` gives them.

    Raises
    ------
    DataError
        With fewer than three periods, a period without clients or more leavers than clients.

    Examples
    --------
    >>> found = rise([10, 11, 9, 10, 30], [1000] * 5)
    >>> found.ratio, found.p_value < 1e-4
    (3.0, True)
    """
    x, n = _checked(leavers, clients)
    before, exposed = float(x[:-1].sum()), float(n[:-1].sum())
    now, here = float(x[-1]), float(n[-1])
    baseline, rate = before / exposed, now / here
    p = float(binom.sf(np.ceil(now) - 1, round(before + now), here / (here + exposed)))
    factor = 1.0
    if spread is not None:
        factor, degrees = max(spread[0], 1.0), spread[1]
        level, middle = _levels(x, n)
        apart = np.sqrt(factor / 4 * (1 / here + 1 / exposed))
        p = max(p, float(student.sf((level[-1] - middle) / apart, degrees)))
    ratio = rate / baseline if baseline > 0 else (float("inf") if now else float("nan"))
    if now > 0 and before > 0:
        half = float(norm.ppf(0.975)) * np.sqrt(factor * (1 / now + 1 / before))
        low, high = ratio * np.exp(-half), ratio * np.exp(half)
    else:
        low, high = 0.0, float("inf")
    return Rise(rate, baseline, ratio, float(low), float(high), p, float("nan") if spread is None else factor)


def spread_of(series: Sequence[tuple[ArrayLike, ArrayLike]]) -> tuple[float, int] | None:
    """Spread between the earlier periods of all classes together, and its degrees of freedom.

    Classes share it: four earlier periods of one class say next to nothing about a variance, of five classes enough.

    Parameters
    ----------
    series : sequence of (leavers, clients)
        Per class, oldest period first; the newest period is left out.

    Returns
    -------
    tuple of float and int, or None
        At least 1; None with fewer than `PERIODS_FOR_SPREAD` earlier periods or no leavers in them.
    """
    total, degrees = 0.0, 0
    for leavers, clients in series:
        x, n = _checked(leavers, clients)
        if len(x) > PERIODS_FOR_SPREAD and x[:-1].sum() > 0:
            level, middle = _levels(x, n)
            total += float(4 * (n[:-1] * (level[:-1] - middle) ** 2).sum())
            degrees += len(x) - 2
    return (max(total / degrees, 1.0), degrees) if degrees else None


def _checked(leavers: ArrayLike, clients: ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    x, n = np.asarray(leavers, dtype=float), np.asarray(clients, dtype=float)
    if len(x) <= LEAST_PERIODS or x.shape != n.shape or (n <= 0).any() or (x < 0).any() or (x > n).any():
        raise DataError(
            f"rise: leavers {x.tolist()} of clients {n.tolist()}; expected three periods or more, each with clients"
        )
    return x, n


def _levels(x: npt.NDArray[np.float64], n: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Square roots of the rates, whose variance is about 1 / 4n whatever the rate, and their mean before the newest."""
    level = np.sqrt((x + ANSCOMBE) / n)
    return level, float((n[:-1] * level[:-1]).sum() / n[:-1].sum())


def alerts(
    counts: pd.DataFrame, classes: Sequence[str], false_alarms: float = FALSE_ALARMS, least: float = LEAST_RATIO
) -> pd.DataFrame:
    """Which classes rise in the newest period.

    Parameters
    ----------
    counts : DataFrame
        `period, reason, leavers, clients`: every class in every period.
    classes : sequence of str
        The influenceable classes; the level is divided among them (Bonferroni), so that `false_alarms` holds for all
        together.
    false_alarms : float
        Probability of any alert when nothing has changed.
    least : float
        Least ratio that is worth an alert.

    Returns
    -------
    DataFrame
        `reason, period, clients, leavers, rate, baseline_rate, ratio, ratio_low, ratio_high, p_value, level, spread,
        alert`, a row per class, strongest first; empty with fewer than three periods.

    Examples
    --------
    >>> rows = [(at, "service", n, 1000) for at, n in zip("abcde", [10, 11, 9, 10, 30])]
    >>> found = alerts(pd.DataFrame(rows, columns=["period", "reason", "leavers", "clients"]), ["service"])
    >>> found[["ratio", "alert"]].values.tolist()
    [[3.0, True]]
    """
    columns = ["reason", "period", "clients", "leavers", "rate", "baseline_rate", "ratio", "ratio_low", "ratio_high",
               "p_value", "level", "spread", "alert"]  # fmt: skip
    level, rows = false_alarms / max(len(classes), 1), []
    by_class = {name: counts[counts["reason"] == name].sort_values("period", kind="stable") for name in classes}
    known = {name: series for name, series in by_class.items() if len(series) > LEAST_PERIODS}
    spread = spread_of([(series["leavers"], series["clients"]) for series in known.values()])
    for name, series in known.items():
        found = rise(series["leavers"], series["clients"], spread)
        last = series.iloc[-1]
        rises = found.p_value <= level and found.ratio >= least and last["leavers"] >= LEAST_LEAVERS
        rows.append([
            name, last["period"], last["clients"], last["leavers"], found.rate, found.baseline, found.ratio, found.low,
            found.high, found.p_value, level, found.spread, bool(rises),
        ])  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["p_value", "reason"], kind="stable", ignore_index=True)
