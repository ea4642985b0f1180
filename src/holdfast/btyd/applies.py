"""Whether a buy-till-you-die model fits a firm's customers, and what to say where it does not.

The models suppose that purchases of a living customer come at random (Poisson). Customers who buy by the clock have
gaps far more even than that, and a silence of one gap says much more about them than the model thinks. How even the
gaps are is told by the shape k of an Erlang distribution with the same mean and variance: k = 1 is random, k = 4 is
a habit. One-time buyers are told apart: in BG/NBD they never die, so their share is reported.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.btyd.bgnbd import BgNbd

Floats = npt.NDArray[np.float64]

MOST_REGULAR = 2.0
LEAST_REPEATERS = 30
LEAST_GAPS = 3


@dataclass(frozen=True)
class Applicability:
    """Verdict on a fitted model.

    Parameters
    ----------
    applies : bool
        Whether its quantities can be taken at their word.
    reason : str
        One sentence.
    regularity : float or None
        Erlang shape of the gaps; None where too few customers have three gaps.
    one_time_share : float
        Share of customers with one purchase day.
    repeaters : int
        Customers with more than one.
    """

    applies: bool
    reason: str
    regularity: float | None
    one_time_share: float
    repeaters: int


def regularity(gaps: Floats, mean: Floats, sd: Floats) -> float | None:
    """Pooled Erlang shape of customers' own gaps; None with fewer than 30 customers of at least three gaps.

    Parameters
    ----------
    gaps : ndarray of shape (n,)
        Number of own gaps.
    mean, sd : ndarray of shape (n,)
        Of the own gaps, days; `sd` with n - 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> own = rng.gamma(4, 5, (500, 6))  # Erlang-4
    >>> round(regularity(np.full(500, 6.0), own.mean(axis=1), own.std(axis=1, ddof=1)))
    4
    """
    usable = (gaps >= LEAST_GAPS) & np.isfinite(mean) & np.isfinite(sd) & (mean > 0)
    if usable.sum() < LEAST_REPEATERS:
        return None
    n, m, v = gaps[usable], mean[usable], sd[usable] ** 2
    # relative to the own mean, so that slow customers do not rule; E[mean²] = mu² + variance / n
    spread = float((v / m**2).mean())
    level = float(np.maximum(1 - v / m**2 / n, 0.1).mean())
    return level / spread if spread > 0 else float("inf")


def applicability(model: BgNbd | None, x: Floats, gaps: Floats, mean: Floats, sd: Floats) -> Applicability:
    """Judge a fitted model on the customers it was fitted on.

    Parameters
    ----------
    model : BgNbd or None
        None: could not be fitted.
    x : ndarray of shape (n,)
        Repeat purchase days.
    gaps, mean, sd : ndarray of shape (n,)
        As in `regularity`.
    """
    repeaters = int((x > 0).sum())
    once = float((x == 0).mean()) if len(x) else float("nan")
    shape = regularity(gaps, mean, sd)
    if model is None or repeaters < LEAST_REPEATERS:
        reason = f"{repeaters} customers bought on more than one day; at least {LEAST_REPEATERS} are needed"
        return Applicability(False, reason, shape, once, repeaters)
    if not model.converged:
        return Applicability(False, model.status, shape, once, repeaters)
    if shape is not None and shape > MOST_REGULAR:
        reason = (
            f"gaps are regular (Erlang shape {shape:.1f}, random is 1): a silence says more than the model thinks; "
            "own-rhythm survival and boosting take its place"
        )
        return Applicability(False, reason, shape, once, repeaters)
    words = "too few customers have three gaps to judge their rhythm" if shape is None else f"Erlang shape {shape:.1f}"
    return Applicability(True, f"purchases come at random ({words})", shape, once, repeaters)
