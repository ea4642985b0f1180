"""Ridge logistic regression by Newton's method, and ridge least squares: exact, the same on any machine size."""

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve
from scipy.special import expit

from holdfast.learners.threads import single_blas

Vector = npt.NDArray[np.float64]

_BLOCK = 8192


def ridge_logistic(
    design: Vector, y: Vector, c: float, *, tolerance: float = 1e-12, max_steps: int = 100
) -> tuple[Vector, float]:
    """Minimise `sum log loss + |w|² / (2 c)`; the intercept is not shrunken.

    The objective is scikit-learn's `LogisticRegression(C=c)`, solved to the last digits instead of to 1e-4.

    Parameters
    ----------
    design : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        0.0 or 1.0, both present.
    c : float
        Inverse strength of the ridge.
    tolerance : float
        Stops when a step promises less than this share of the objective.
    max_steps : int
        Upper bound; convergence is usual within ten.

    Returns
    -------
    tuple
        Coefficients of shape (k,) and the intercept.

    Examples
    --------
    >>> z = np.array([[-1.0], [0.0], [0.0], [1.0]])
    >>> w, b = ridge_logistic(z, np.array([0.0, 0.0, 1.0, 1.0]), 1.0)
    >>> round(float(w[0]), 4), round(abs(b), 4)
    (0.6748, 0.0)
    """
    rate = float(y.mean())
    theta = np.append(np.zeros(design.shape[1]), np.log(rate / (1 - rate)))
    with single_blas():
        loss = _loss(design, y, theta, c)
        for _ in range(max_steps):
            gradient, hessian = _derivatives(design, y, theta, c)
            step = solve(hessian, gradient, assume_a="pos")
            promise = float(gradient @ step) / 2
            theta, after = _descend(design, y, theta, step, c, loss)
            if promise <= tolerance * max(loss, 1.0) or after >= loss:
                break
            loss = after
    return theta[:-1], float(theta[-1])


def ridge_least_squares(design: Vector, y: Vector, shrinkage: float) -> tuple[Vector, float]:
    """Minimise `sum (y - b - design w)² + shrinkage n |w|²`; the intercept is not shrunken.

    Parameters
    ----------
    design : ndarray of shape (n, k)
    y : ndarray of shape (n,)
    shrinkage : float
        Ridge per row.

    Examples
    --------
    >>> w, b = ridge_least_squares(np.array([[-1.0], [1.0]]), np.array([1.0, 3.0]), 1.0)  # w = 2 / (2 + 2)
    >>> w.tolist(), b
    ([0.5], 2.0)
    """
    mean, level = design.mean(axis=0), float(y.mean())
    with single_blas():
        gram = np.zeros((design.shape[1], design.shape[1]))
        toward = np.zeros(design.shape[1])
        for start in range(0, len(y), _BLOCK):
            block = design[start : start + _BLOCK] - mean
            gram += block.T @ block
            toward += block.T @ (y[start : start + _BLOCK] - level)
        ridge = max(shrinkage * len(y), 1e-9)
        w: Vector = solve(gram + ridge * np.eye(len(toward)), toward, assume_a="pos") if len(toward) else toward
    return w, level - float((w * mean).sum())


def _margin(design: Vector, theta: Vector) -> Vector:
    margin: Vector = design @ theta[:-1] + theta[-1]
    return margin


def _loss(design: Vector, y: Vector, theta: Vector, c: float) -> float:
    margin = _margin(design, theta)
    return float(np.sum(np.logaddexp(0.0, margin) - y * margin) + theta[:-1] @ theta[:-1] / (2 * c))


def _derivatives(design: Vector, y: Vector, theta: Vector, c: float) -> tuple[Vector, Vector]:
    size = len(theta)
    gradient = np.append(theta[:-1] / c, 0.0)
    # The tiny intercept term keeps the matrix positive when every row is already predicted with certainty.
    hessian = np.diag(np.append(np.full(size - 1, 1 / c), 1e-10))
    for start in range(0, len(y), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.column_stack([design[rows], np.ones(len(y[rows]))])
        p = expit(block @ theta)
        gradient += block.T @ (p - y[rows])
        hessian += (block * (p * (1 - p))[:, None]).T @ block
    return gradient, hessian


def _descend(design: Vector, y: Vector, theta: Vector, step: Vector, c: float, loss: float) -> tuple[Vector, float]:
    """Take the full Newton step, or halve it until the objective falls; stay where nothing helps."""
    size = 1.0
    for _ in range(30):
        tried = theta - size * step
        after = _loss(design, y, tried, c)
        if after < loss:
            return tried, after
        size /= 2
    return theta, loss
