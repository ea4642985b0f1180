"""Gamma-gamma: what a customer spends per purchase, apart from how often (Fader & Hardie 2013).

A single purchase is Gamma(p, v), the customer's v is Gamma(q, gamma); the mean z of n purchases therefore shrinks
towards the population the more, the fewer purchases stand behind it. Spend must not depend on frequency: the
correlation between the two is part of the fit's report.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

Floats = npt.NDArray[np.float64]

_BOUNDS = (-7.0, 9.0)
_MIN_CUSTOMERS = 30


@dataclass(frozen=True)
class GammaGamma:
    """Fitted parameters.

    Parameters
    ----------
    p, q, gamma : float
        Shape of a purchase, shape and (in money) scale of the customers' differences.
    log_likelihood : float
        At the optimum.
    converged : bool
        Whether the optimiser stopped at an interior optimum.
    n : int
        Customers it was fitted on.
    correlation : float
        Pearson correlation of number of purchases and mean spend; far from 0 the model's assumption fails.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float
    converged: bool
    n: int
    correlation: float

    def expected_spend(self, mean: Floats, n: Floats) -> Floats:
        """E[spend per purchase | mean of n purchases], money, shape (n_customers,); customers with n = 0 get the

        population's mean, p gamma / (q - 1), where that is finite (q > 1), else NaN.
        """
        n = np.asarray(n, dtype=np.float64)
        known = np.where(n > 0, mean, 0.0)
        shape = self.p * n + self.q - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.p * (self.gamma + n * known) / shape
        return np.where(shape > 0, found, np.nan)


def fit_gamma_gamma(mean: Floats, n: Floats, *, penalty: float = 1e-3) -> GammaGamma | None:
    """Fit by penalised maximum likelihood with the exact gradient; None with fewer than 30 customers who spend.

    Parameters
    ----------
    mean : ndarray of shape (n_customers,)
        Mean spend per purchase, money above zero; other customers are left out.
    n : ndarray of shape (n_customers,)
        Purchases behind the mean.
    penalty : float
        Weight of the squared logarithms of the parameters, in customers; `gamma` in units of the mean spend.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> v = rng.gamma(4.0, 1 / 15.0, 3000)  # q = 4, gamma = 15
    >>> model = fit_gamma_gamma(rng.gamma(6.0, 1 / v), np.ones(3000))  # p = 6, one purchase each
    >>> model.converged, bool(13 < model.expected_spend(np.array([0.0]), np.array([0.0]))[0] < 47)
    (True, True)
    """
    usable = (np.asarray(n) > 0) & (np.asarray(mean) > 0) & np.isfinite(mean)
    z, count = np.asarray(mean, dtype=np.float64)[usable], np.asarray(n, dtype=np.float64)[usable]
    if len(z) < _MIN_CUSTOMERS:
        return None
    order = np.lexsort((count, z))
    z, count = z[order], count[order]
    unit = float(np.median(z))
    scaled = z / unit

    def objective(logs: Floats) -> tuple[float, Floats]:
        p, q, g = np.exp(logs)
        value, slopes = _likelihood(p, q, g, scaled, count)
        loss = -value + penalty * float((logs * logs).sum())
        return loss / len(z), (-slopes * np.exp(logs) + 2 * penalty * logs) / len(z)

    found = minimize(
        objective, np.log([2.0, 3.0, 3.0]), method="L-BFGS-B", jac=True, bounds=[_BOUNDS] * 3,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9},
    )  # fmt: skip
    p, q, g = (float(value) for value in np.exp(found.x))
    inside = bool(np.all((found.x > _BOUNDS[0] + 1e-3) & (found.x < _BOUNDS[1] - 1e-3)))
    flat = bool(np.max(np.abs(found.jac)) < 1e-4)
    value, _ = _likelihood(p, q, g, scaled, count)
    likelihood = value - len(z) * float(np.log(unit))  # back to the density of money
    return GammaGamma(p, q, g * unit, likelihood, flat and inside, len(z), _correlation(z, count))


def _likelihood(p: float, q: float, g: float, z: Floats, n: Floats) -> tuple[float, Floats]:
    shape = p * n
    log_all = np.log(g + n * z)
    value = (
        gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(g)
        + (shape - 1) * np.log(z) + shape * np.log(n) - (shape + q) * log_all
    )  # fmt: skip
    both = digamma(shape + q)
    slope_p = n * (both - digamma(shape) + np.log(z) + np.log(n) - log_all)
    slope_q = both - digamma(q) + np.log(g) - log_all
    slope_g = q / g - (shape + q) / (g + n * z)
    return float(np.sum(value)), np.array([float(np.sum(slope)) for slope in (slope_p, slope_q, slope_g)])


def _correlation(z: Floats, n: Floats) -> float:
    a, b = z - z.mean(), n - n.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0
