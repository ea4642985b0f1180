"""BG/NBD: the buy-till-you-die model of Fader, Hardie & Lee (2005), vectorised.

Transactions while alive are Poisson with rate lambda ~ Gamma(r, alpha); after each repeat transaction the
customer drops out with probability p ~ Beta(a, b). The data of a customer are x repeat purchase days, the
time t_x of the last one and the age T, both counted from the first purchase.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Floats = npt.NDArray[np.float64]

_BOUNDS = (-7.0, 9.0)
_MIN_CUSTOMERS = 30


@dataclass(frozen=True)
class BgNbd:
    """Fitted parameters; rates are per `unit_days` days.

    Parameters
    ----------
    r, alpha, a, b : float
        Shape and rate of the Gamma, parameters of the Beta.
    log_likelihood : float
        At the optimum, without the penalty.
    converged : bool
        Whether the optimiser stopped at an interior optimum.
    n : int
        Customers it was fitted on.
    unit_days : float
        Length of one unit of time in days.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool
    n: int
    unit_days: float = 7.0

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """P(alive | x, t_x, T); all times in days, shape (n,)."""
        t_x, age = t_x / self.unit_days, age / self.unit_days
        odds = (self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x))
        dead = np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * np.exp(np.minimum(odds, 500)), 0.0)
        return np.asarray(1.0 / (1.0 + dead))

    def p_no_purchase(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """P(no purchase in the next `horizon` days): dead, or alive and silent.

        Given alive at T, lambda is Gamma(r + x, alpha + T), so silence has probability
        ((alpha + T) / (alpha + T + H))^(r + x).
        """
        units = age / self.unit_days
        silent = np.exp((self.r + x) * np.log((self.alpha + units) / (self.alpha + units + horizon / self.unit_days)))
        alive = self.p_alive(x, t_x, age)
        return np.asarray(1.0 - alive + alive * silent)

    def expected_purchases(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """E[purchases in the next `horizon` days | x, t_x, T] (equation 10 of the paper)."""
        units, t = age / self.unit_days, horizon / self.unit_days
        z = t / (self.alpha + units + t)
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        # Euler's transformation of the paper's 2F1(r + x, b + x; a + b + x - 1; z): nothing overflows for large x
        hyper = hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x - 1, z)
        gain = (a + self.b + x - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * hyper)
        return np.asarray(np.maximum(gain, 0.0) * self.p_alive(x, t_x, age))


def fit_bgnbd(x: Floats, t_x: Floats, age: Floats, *, penalty: float = 1e-3, unit_days: float = 7.0) -> BgNbd | None:
    """Fit by penalised maximum likelihood; None with fewer than 30 customers or no repeat purchase.

    Customers with the same (x, t_x, T) are counted together and sorted, so the result depends neither on
    row order nor on threads.

    Parameters
    ----------
    x, t_x, age : ndarray of shape (n,)
        Repeat purchase days; days from the first to the last purchase; days from the first purchase to
        the cutoff.
    penalty : float
        Weight of the squared logarithms of the parameters, per customer.
    unit_days : float
        Unit of time in days (7: weeks, as published).
    """
    if len(x) < _MIN_CUSTOMERS or not np.any(x > 0):
        return None
    unique, counts = np.unique(np.column_stack([x, t_x / unit_days, age / unit_days]), axis=0, return_counts=True)
    weights = counts.astype(np.float64)

    def objective(logs: Floats) -> float:
        likelihood = _log_likelihood(np.exp(logs), unique, weights)
        return -likelihood / len(x) + penalty * float(logs @ logs) / len(x)

    start = np.log([0.5, 5.0, 0.8, 2.5])
    found = minimize(objective, start, method="L-BFGS-B", bounds=[_BOUNDS] * 4, options={"maxiter": 300})
    inside = bool(np.all((found.x > _BOUNDS[0] + 1e-3) & (found.x < _BOUNDS[1] - 1e-3)))
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    likelihood = _log_likelihood(np.exp(found.x), unique, weights)
    return BgNbd(r, alpha, a, b, float(likelihood), bool(found.success) and inside, len(x), unit_days)


def _log_likelihood(parameters: Floats, history: Floats, weights: Floats) -> float:
    r, alpha, a, b = parameters
    x, t_x, age = history.T
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + age)
    repeat = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
    dead = np.where(x > 0, repeat, -np.inf)
    return float(np.sum(weights * (common + np.logaddexp(alive, dead))))  # a dot product may depend on threads
