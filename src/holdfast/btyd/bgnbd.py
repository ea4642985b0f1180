"""BG/NBD and MBG/NBD: buy-till-you-die models of repeat purchases, vectorised.

Transactions while alive are Poisson with rate lambda ~ Gamma(r, alpha). In BG/NBD (Fader, Hardie & Lee 2005) a
customer drops out with probability p ~ Beta(a, b) after each repeat transaction, so nobody dies before the first
repeat; in the modified model (Batislam, Denizel & Filiztekin 2007) also after the first purchase. The data of a
customer are x repeat purchase days, the time t_x of the last one and the age T, both counted from the first purchase.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln, hyp2f1

Floats = npt.NDArray[np.float64]

_BOUNDS = (-7.0, 9.0)
_MIN_CUSTOMERS = 30
_NAMES = ("r", "alpha", "a", "b")


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
    modified : bool
        MBG/NBD: a customer may drop out after the first purchase already.
    status : str
        One sentence on how the fit ended.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool
    n: int
    unit_days: float = 7.0
    modified: bool = False
    status: str = ""

    @property
    def _b(self) -> float:
        return self.b + self.modified

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """P(alive | x, t_x, T); all times in days, shape (n,)."""
        t_x, age = t_x / self.unit_days, age / self.unit_days
        odds = (self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x))
        drops = np.maximum(self._b + x - 1, np.finfo(float).tiny)
        dead = np.where(x + self.modified > 0, self.a / drops * np.exp(np.minimum(odds, 500)), 0.0)
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
        b = self._b
        # Euler's transformation of the paper's 2F1(r + x, b + x; a + b + x - 1; z): nothing overflows for large x
        hyper = hyp2f1(a + b - 1 - self.r, a - 1, a + b + x - 1, z)
        gain = (a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * hyper)
        return np.asarray(np.maximum(gain, 0.0) * self.p_alive(x, t_x, age))

    def expected_from_start(self, days: Floats) -> Floats:
        """E[repeat purchases of a new customer within `days` of the first purchase] (equation 9), shape of `days`."""
        t = np.asarray(days, dtype=np.float64)
        zero = np.zeros(1)
        found = [self.expected_purchases(zero, zero, zero, float(horizon))[0] for horizon in np.ravel(t)]
        return np.asarray(found).reshape(t.shape)


def fit_bgnbd(
    x: Floats,
    t_x: Floats,
    age: Floats,
    *,
    modified: bool = False,
    penalty: float = 1e-3,
    unit_days: float = 7.0,
) -> BgNbd | None:
    """Fit by penalised maximum likelihood; None with fewer than 30 customers or no repeat purchase.

    Customers with the same (x, t_x, T) are counted together and sorted, so the result depends neither on
    row order nor on threads. The gradient is exact, so a million customers take seconds.

    Parameters
    ----------
    x, t_x, age : ndarray of shape (n,)
        Repeat purchase days; days from the first to the last purchase; days from the first purchase to
        the cutoff.
    modified : bool
        Fit MBG/NBD.
    penalty : float
        Weight of the squared logarithms of the parameters, in customers: it keeps the parameters finite where the
        data say nothing (nobody drops out), and is nothing beside hundreds of customers.
    unit_days : float
        Unit of time in days (7: weeks, as published).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(2.0, 500).astype(float)
    >>> model = fit_bgnbd(x, np.where(x > 0, 100.0, 0.0), np.full(500, 150.0))
    >>> model.converged, model.n
    (True, 500)
    """
    if len(x) < _MIN_CUSTOMERS or not np.any(x > 0):
        return None
    unique, counts = np.unique(np.column_stack([x, t_x / unit_days, age / unit_days]), axis=0, return_counts=True)
    likelihood = _Likelihood.of(unique, counts.astype(np.float64), modified)

    def objective(logs: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood.at(np.exp(logs))
        return -value / len(x) + penalty * float((logs * logs).sum()) / len(x), (
            -gradient * np.exp(logs) + 2 * penalty * logs
        ) / len(x)

    found = minimize(
        objective, _start(unique, counts), method="L-BFGS-B", jac=True, bounds=[_BOUNDS] * 4,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9},
    )  # fmt: skip
    edges = [name for name, log in zip(_NAMES, found.x, strict=True) if not _inside(float(log))]
    # the line search may end "abnormally" within rounding of the optimum: the gradient decides
    flat = bool(np.max(np.abs(found.jac)) < 1e-4)
    status = _status(found, edges, flat=flat)
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    value, _ = likelihood.at(np.exp(found.x))
    return BgNbd(r, alpha, a, b, value, flat and not edges, len(x), unit_days, modified, status)


def _start(unique: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Logs of a starting point whose mean rate is that of the data, so that no unit of time is far from it."""
    rate = float((unique[:, 0] * counts).sum() / max((unique[:, 2] * counts).sum(), 1e-9))
    return np.clip(np.log([0.5, 0.5 / max(rate, 1e-9), 0.8, 2.5]), _BOUNDS[0] + 1, _BOUNDS[1] - 1)


def _inside(log: float) -> bool:
    return _BOUNDS[0] + 1e-3 < log < _BOUNDS[1] - 1e-3


def _status(found: object, edges: list[str], *, flat: bool) -> str:
    if edges:
        return f"not converged: {', '.join(edges)} at the edge of the allowed range"
    return "converged" if flat else f"not converged: {getattr(found, 'message', 'no reason given')}"


@dataclass(frozen=True)
class _Likelihood:
    """Log likelihood and its gradient over distinct customers; functions of x alone are computed once per x."""

    x: Floats
    of_x: npt.NDArray[np.intp]
    t_x: Floats
    age: Floats
    weight: Floats
    modified: bool

    @classmethod
    def of(cls, history: Floats, weight: Floats, modified: bool) -> "_Likelihood":
        """From rows `x, t_x, T` in units of time, and how many customers each stands for."""
        x, of_x = np.unique(history[:, 0], return_inverse=True)
        return cls(x, of_x.ravel(), history[:, 1].copy(), history[:, 2].copy(), weight, modified)

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        """Sum of the log likelihood, and its derivative by (r, alpha, a, b)."""
        r, alpha, a, b = (float(value) for value in parameters)
        b_x = b + self.modified + self.x
        k = self.of_x
        log_age, log_last = np.log(alpha + self.age), np.log(alpha + self.t_x)
        may_drop = self.x + self.modified > 0
        drop = np.where(may_drop, np.log(a) - np.log(np.maximum(b_x - 1, 1e-300)), -np.inf)
        alive = -(r + self.x)[k] * log_age
        dead = drop[k] - (r + self.x)[k] * log_last
        either = np.logaddexp(alive, dead)
        common = gammaln(r + self.x) - gammaln(r) + r * np.log(alpha) + betaln(a, b_x) - betaln(a, b)
        value = _sum(self.weight * (common[k] + either))
        w_dead = np.exp(dead - either)
        w_alive = 1.0 - w_dead
        slope_r = (digamma(r + self.x) - digamma(r) + np.log(alpha))[k] - w_alive * log_age - w_dead * log_last
        inner = w_alive / (alpha + self.age) + w_dead / (alpha + self.t_x)
        slope_alpha = r / alpha - (r + self.x)[k] * inner
        both = digamma(a + b) - digamma(a + b_x)
        slope_a = both[k] + w_dead / a
        last = np.where(may_drop, 1.0 / np.maximum(b_x - 1, 1e-300), 0.0)
        slope_b = (both + digamma(b_x) - digamma(b))[k] - w_dead * last[k]
        slopes = (slope_r, slope_alpha, slope_a, slope_b)
        return value, np.array([_sum(self.weight * slope) for slope in slopes])


def _sum(values: Floats) -> float:
    return float(np.sum(values))  # a dot product may depend on threads


def log_likelihood(parameters: Floats, history: Floats, weight: Floats, *, modified: bool = False) -> float:
    """Log likelihood of (r, alpha, a, b) on rows `x, t_x, T`, all in one unit of time; `weight` counts customers."""
    return _Likelihood.of(history, weight, modified).at(parameters)[0]
