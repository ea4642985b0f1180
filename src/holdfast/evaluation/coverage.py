"""Do the ranges of scores hold: observed rates of groups of customers beside the ranges promised for them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from holdfast.evaluation.calibration import BINS, equal_mass_bins
from holdfast.evaluation.rows import as_floats

LEVEL = 0.9


def coverage(label: ArrayLike, score: ArrayLike, low: ArrayLike, high: ArrayLike, bins: int = BINS) -> dict[str, Any]:
    """Share of equal-mass groups whose leavers are as many as the range of their scores allows.

    A group's range runs from the mean `low` to the mean `high` of its customers; even at a probability in that range
    the number of leavers varies, so it is allowed to lie between the 5 % point of a binomial at `low` and the 95 %
    point at `high`.

    Parameters
    ----------
    label, score, low, high : arrays of shape (n,)
        Outcome 0/1, probability and its range; rows without a range or an outcome are left out.
    bins : int
        Number of groups of equally many customers.

    Returns
    -------
    dict
        `groups`, `covered` (share of them), `level_covered` (whether the observed rate of all lies between the mean
        low and the mean high), `nominal`. None where no row has a range.

    Examples
    --------
    >>> found = coverage([0, 1] * 200, [0.5] * 400, [0.45] * 400, [0.55] * 400)
    >>> found["groups"], found["covered"], found["level_covered"]
    (1, 1.0, True)
    """
    y, p, bottom, top = (as_floats(values, "score") if k == 1 else np.asarray(values, dtype=np.float64)
                         for k, values in enumerate((label, score, low, high)))  # fmt: skip
    known = np.isfinite(y) & np.isfinite(bottom) & np.isfinite(top)
    y, p, bottom, top = y[known], p[known], bottom[known], top[known]
    if not len(y):
        return {"groups": 0, "covered": None, "level_covered": None, "nominal": LEVEL}
    order = np.argsort(-p, kind="stable")
    group = np.empty(len(p), dtype=np.intp)
    group[order] = equal_mass_bins(p[order], bins)
    size = np.bincount(group, minlength=bins)
    full = size > 0
    left, least, most = (np.bincount(group, values, bins)[full] for values in (y, bottom, top))
    n = size[full]
    inside = (left >= binom.ppf((1 - LEVEL) / 2, n, least / n)) & (left <= binom.ppf((1 + LEVEL) / 2, n, most / n))
    return {
        "groups": int(full.sum()), "covered": float(inside.mean()),
        "level_covered": bool(bottom.mean() <= y.mean() <= top.mean()), "nominal": LEVEL,
    }  # fmt: skip
