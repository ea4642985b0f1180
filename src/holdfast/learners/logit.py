"""The shrunken logit: ridge logistic regression on sign(v)·ln(1+|v|), standardised and clipped.

Numbers are imputed with the training median and, where a gap is neither rare nor the rule, accompanied by an
indicator of missingness; columns that hardly vary are dropped. Categories become one indicator per level with
enough rows, the others share one. A level without evidence (unseen, or too rare even together) speaks neutrally:
it sits at the training mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.learners.columns import Matrix
from holdfast.learners.newton import ridge_least_squares, ridge_logistic

NEAR_CONSTANT = 0.995
"""A column with more than this share of rows at one value is dropped."""

INFORMATIVE_GAPS = (0.01, 0.99)
"""Share of missing values between which missingness gets an indicator of its own."""

LEVEL_ROWS = 30
"""Training rows that a level needs to speak for itself; fewer in small data (a fiftieth of the rows, at least two)."""


@dataclass(frozen=True)
class Term:
    """One standardised column of the design, made from one feature.

    Parameters
    ----------
    feature : int
        Position of the original feature.
    kind : str
        `value` (the transformed number), `missing` (1 where missing) or `level` (a table by code).
    fill : float
        Stands in for a missing value, on the transformed scale.
    mean, sd : float
        Standardisation on training.
    z_mean : float
        Mean of the clipped z on training: contributions are centred on it.
    table : tuple of float
        For `level`: z by code, first entry for missing, last for a level that training never saw.
    coef : float
        Coefficient.
    """

    feature: int
    kind: str
    fill: float = 0.0
    mean: float = 0.0
    sd: float = 1.0
    z_mean: float = 0.0
    table: tuple[float, ...] = ()
    coef: float = 0.0

    def z(self, values: npt.NDArray[np.float64], clip: float) -> npt.NDArray[np.float64]:
        """Standardised, clipped column for the raw (encoded) values of the feature."""
        if self.kind == "level":
            code = np.where(np.isnan(values), -1, values).astype(np.intp) + 1
            return np.asarray(self.table)[code]
        raw = np.isnan(values).astype(np.float64) if self.kind == "missing" else _filled(values, self.fill)
        return np.clip((raw - self.mean) / self.sd, -clip, clip)


@dataclass(frozen=True)
class ShrunkenLinear:
    """A fitted linear member: the logit's log odds, or the logarithm of an amount.

    Parameters
    ----------
    terms : tuple of Term
        In the order of the features.
    base : float
        Margin at the training mean of all columns.
    clip : float
        Bound of the standardised columns.
    n_features : int
        Number of original features.
    """

    terms: tuple[Term, ...]
    base: float
    clip: float
    n_features: int

    def margin(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Log odds or log amount, shape (n,). Summed term by term, so that a row's value does not depend on others."""
        out = np.full(len(matrix), self.base)
        for term in self.terms:
            out += self._contribution(term, matrix)
        return out

    def contributions(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Exact SHAP values of the linear model by original feature, shape (n, n_features), centred on training."""
        out = np.zeros((len(matrix), self.n_features), order="F")
        for term in self.terms:
            out[:, term.feature] += self._contribution(term, matrix)
        return out

    def _contribution(self, term: Term, matrix: Matrix) -> npt.NDArray[np.float64]:
        # A contiguous copy: numpy's vector and scalar code paths may differ in the last bit.
        values = np.ascontiguousarray(matrix[:, term.feature])
        return term.coef * (term.z(values, self.clip) - term.z_mean)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; floats survive exactly."""
        terms = [asdict(term) | {"table": list(term.table)} for term in self.terms]
        return {"terms": terms, "base": self.base, "clip": self.clip, "n_features": self.n_features}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "ShrunkenLinear":
        """Inverse of `as_dict`."""
        terms = tuple(Term(**(term | {"table": tuple(term["table"])})) for term in state["terms"])
        return cls(terms, state["base"], state["clip"], state["n_features"])


def fit_logit(
    matrix: Matrix, y: npt.NDArray[Any], levels: Mapping[int, Sequence[str]], *, c: float, clip: float
) -> ShrunkenLinear:
    """Fit the shrunken logit on an encoded matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n, n_features)
        Column order (Fortran) is fastest.
    y : ndarray of shape (n,)
        0 or 1, both present.
    levels : mapping of int to sequence of str
        Levels of the categorical columns.
    c : float
        Inverse strength of the ridge.
    clip : float
        Bound of the standardised columns.
    """
    return _fit(matrix, y, levels, clip, lambda design, target: ridge_logistic(design, target, c))


def fit_log_amount(
    matrix: Matrix, logs: npt.NDArray[np.float64], levels: Mapping[int, Sequence[str]], *, shrinkage: float, clip: float
) -> ShrunkenLinear:
    """Ridge regression of the logarithm of an amount on the same columns as the logit's.

    Parameters
    ----------
    matrix, levels, clip
        As in `fit_logit`.
    logs : ndarray of shape (n,)
        Logarithms of the amounts.
    shrinkage : float
        Ridge as a share of the number of rows.
    """
    return _fit(matrix, logs, levels, clip, lambda design, target: ridge_least_squares(design, target, shrinkage))


def _fit(
    matrix: Matrix,
    y: npt.NDArray[Any],
    levels: Mapping[int, Sequence[str]],
    clip: float,
    solve: Callable[[Matrix, npt.NDArray[np.float64]], tuple[npt.NDArray[np.float64], float]],
) -> ShrunkenLinear:
    plan = _plan(matrix, levels, clip)
    design = np.empty((len(matrix), len(plan)), order="F")
    for position, term in enumerate(plan):
        design[:, position] = term.z(np.ascontiguousarray(matrix[:, term.feature]), clip)
    coefs, intercept = solve(design, np.asarray(y, dtype=np.float64))
    z_means = design.mean(axis=0)
    terms = tuple(
        Term(**(asdict(term) | {"coef": float(coef), "z_mean": float(mean)}))
        for term, coef, mean in zip(plan, coefs, z_means, strict=True)
    )
    base = intercept + sum(term.coef * term.z_mean for term in terms)
    return ShrunkenLinear(terms, float(base), clip, matrix.shape[1])


def signed_log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """sign(v)·ln(1+|v|): long tails drawn in, order and sign kept.

    Examples
    --------
    >>> signed_log(np.array([-1.0, 0.0, np.e - 1])).round(3).tolist()
    [-0.693, 0.0, 1.0]
    """
    return np.copysign(np.log1p(np.abs(values)), values)


def _filled(values: npt.NDArray[np.float64], fill: float) -> npt.NDArray[np.float64]:
    transformed = signed_log(values)
    transformed[np.isnan(transformed)] = fill
    return transformed


def _plan(matrix: Matrix, levels: Mapping[int, Sequence[str]], clip: float) -> list[Term]:
    """Columns of the design with their standardisation; coefficients come later."""
    plan: list[Term] = []
    gaps: set[bytes] = set()
    for feature in range(matrix.shape[1]):
        values = np.ascontiguousarray(matrix[:, feature])
        if feature in levels:
            plan += _level_terms(feature, values, len(levels[feature]), clip)
        else:
            plan += _value_term(feature, values)
            plan += _gap_term(feature, values, gaps)
    return plan


def _value_term(feature: int, values: npt.NDArray[np.float64]) -> list[Term]:
    transformed = signed_log(values)
    known = transformed[~np.isnan(transformed)]
    if not len(known):
        return []
    fill = float(np.median(known))
    transformed[np.isnan(transformed)] = fill
    middle = float(np.median(transformed))
    # A value that more than half of the rows share is their median.
    if np.mean(transformed == middle) > NEAR_CONSTANT:
        return []
    return _standardised(Term(feature, "value", fill=fill), transformed)


def _gap_term(feature: int, values: npt.NDArray[np.float64], seen: set[bytes]) -> list[Term]:
    gap = np.isnan(values)
    low, high = INFORMATIVE_GAPS
    pattern = np.packbits(gap).tobytes()
    # Features that are missing together tell it once, by the first of them.
    if not low <= gap.mean() <= high or pattern in seen:
        return []
    seen.add(pattern)
    return _standardised(Term(feature, "missing"), gap.astype(np.float64))


def _standardised(term: Term, column: npt.NDArray[np.float64]) -> list[Term]:
    mean, sd = float(column.mean()), float(column.std())
    if sd <= 1e-9 * max(1.0, abs(mean)):
        return []
    return [Term(term.feature, term.kind, fill=term.fill, mean=mean, sd=sd)]


def _level_terms(feature: int, values: npt.NDArray[np.float64], n_levels: int, clip: float) -> list[Term]:
    code = np.where(np.isnan(values), -1, values).astype(np.intp) + 1
    counts = np.bincount(code, minlength=n_levels + 2)
    enough = min(LEVEL_ROWS, max(2, len(values) // 50))
    own = [[place] for place in range(n_levels + 1) if counts[place] >= enough]
    rare = [place for place in range(1, n_levels + 1) if 0 < counts[place] < enough]
    groups = own
    if counts[rare].sum() >= enough:
        groups = [*own, [*rare, n_levels + 1]]
    covered = {place for group in groups for place in group}
    terms = [_level_term(feature, group, counts, covered, clip) for group in groups]
    return [term for term in terms if term is not None]


def _level_term(
    feature: int, group: Sequence[int], counts: npt.NDArray[np.intp], covered: set[int], clip: float
) -> Term | None:
    total = int(counts.sum())
    share = float(counts[list(group)].sum() / total)
    if share > NEAR_CONSTANT:
        return None
    sd = float(np.sqrt(share * (1 - share)))
    inside, outside = min((1 - share) / sd, clip), max(-share / sd, -clip)
    z = np.where(np.isin(np.arange(len(counts)), list(group)), inside, outside)
    is_covered = np.isin(np.arange(len(counts)), sorted(covered))
    neutral = float((z * counts)[is_covered].sum() / counts[is_covered].sum())
    table = tuple(float(value) for value in np.where(is_covered, z, neutral))
    return Term(feature, "level", mean=share, sd=sd, table=table)
