"""The same figures under many weightings of the customers at once: what a bootstrap needs.

Rows are sorted once. After that a resample is a set of integer weights per customer, and every figure is a
cumulative sum, a gather or a sum over bins. `tests/property/test_evaluation_laws.py` holds them to the plain
functions of `ranking`, `calibration` and `profit` at weight one.
"""

from dataclasses import dataclass, field

import numpy as np

from holdfast.errors import ConfigError
from holdfast.evaluation.calibration import BINS, equal_mass_bins, log_losses
from holdfast.evaluation.profit import Campaign, Spend, contact_order, empc_of_levels, gain_and_loss
from holdfast.evaluation.rows import FloatArray, IntArray, Rows


@dataclass(frozen=True)
class Plan:
    """What to measure besides the ranking.

    Parameters
    ----------
    list_share : float
        Length of the list, as a share of the cohort.
    probability : bool
        Whether the score is a probability; losses, ECE and the profit at the budget are left out otherwise.
    campaign : Campaign
        What MPC and EMPC suppose.
    spend : Spend or None
        Budget for `profit_at_budget`; None leaves it out.
    """

    list_share: float = 0.1
    probability: bool = True
    campaign: Campaign = field(default_factory=Campaign)
    spend: Spend | None = None

    def __post_init__(self) -> None:
        if not 0 < self.list_share <= 1:
            raise ConfigError(f"list share {self.list_share:g}: expected above 0 and at most 1, one customer or more")


class Panel:
    """One model at one cutoff, ready to be weighed: everything that no weighting changes.

    Parameters
    ----------
    rows : Rows
        Canonical order. `rows.code` numbers the customers of the weights that will come.
    plan : Plan
        What to measure.
    value : array of shape (n,) or None
        Value of each customer in the order of `rows`, for the profit at the budget.
    """

    def __init__(self, rows: Rows, plan: Plan, value: FloatArray | None = None) -> None:
        self.rows, self.plan = rows, plan
        self.leavers = np.flatnonzero(rows.y == 1)
        self.leavers_before = np.r_[0, np.cumsum(rows.y == 1)]
        self.level_start, self.level_end = rows.start[self.leavers], rows.end[self.leavers]
        self.leavers_to_end = self.leavers_before[self.level_end]
        self.leavers_to_start = self.leavers_before[self.level_start]
        self.tied = bool((rows.end - rows.start > 1).any())
        self.hull = np.r_[_corners(rows), rows.n]
        if plan.probability:
            bins = equal_mass_bins(rows.p, BINS)
            self.bin_starts = np.flatnonzero(np.r_[True, bins[1:] != bins[:-1]][: rows.n])
            self.losses = log_losses(rows.y, rows.p)
            self.residuals = rows.y - rows.p
        self.budgeted = plan.probability and plan.spend is not None and value is not None
        if plan.probability and plan.spend is not None and value is not None:
            self.contacts = contact_order(rows.p, value, rows.code, rows.y, plan.spend)
            self.gains = plan.spend.save_rate * rows.y[self.contacts] * value[self.contacts] - plan.spend.cost

    def measure(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Every figure under each weighting.

        Parameters
        ----------
        weights : array of shape (b, customers)
            Whole weights of the customers, one weighting per line.

        Returns
        -------
        dict of arrays of shape (b,)
            NaN where a weighting leaves only one class.
        """
        w = np.take(weights, self.rows.code, axis=1)
        upto = _cumulated(w)
        found = _cumulated(np.take(w, self.leavers, axis=1))
        total, leavers = upto[:, -1], found[:, -1]
        out: dict[str, FloatArray] = {"base_rate": leavers / total}
        with np.errstate(divide="ignore", invalid="ignore"):
            self._ranking(out, w, upto, found)
            self._lists(out, upto, found)
            if self.plan.probability:
                self._calibration(out, w, total, leavers)
            out["empc"] = self._empc(upto, found)
            if self.budgeted:
                out["profit_at_budget"] = self._budget(w, total)
        # a resample of one class has no ranking, and no Brier to be better than
        return {name: np.where(np.isfinite(values), values, np.nan) for name, values in out.items()}

    def _ranking(self, out: dict[str, FloatArray], w: FloatArray, upto: FloatArray, found: FloatArray) -> None:
        """AUROC, average precision and MPC: sums over leavers of what stands at and above their score."""
        total, leavers = upto[:, -1], found[:, -1]
        weight = np.take(w, self.leavers, axis=1)
        all_end = np.take(upto, self.level_end, axis=1)
        found_end = np.take(found, self.leavers_to_end, axis=1)
        stayers_end = all_end - found_end
        stayers_above = stayers_end
        if self.tied:
            before = np.take(upto, self.level_start, axis=1) - np.take(found, self.leavers_to_start, axis=1)
            stayers_above = (before + stayers_end) / 2
        stayers = total - leavers
        lost = np.einsum("ij,ij->i", weight, stayers_above)
        out["auroc"] = 1 - lost / (leavers * stayers)
        # where nothing stands at or above a leaver his own weight is zero, and so is his term
        precision = found_end / np.maximum(all_end, 1e-300)
        out["average_precision"] = np.einsum("ij,ij->i", weight, precision) / leavers
        gain, loss = gain_and_loss(self.plan.campaign)
        best = (gain * found_end - loss * stayers_end).max(axis=1, initial=0.0)
        out["mpc"] = best / total

    def _lists(self, out: dict[str, FloatArray], upto: FloatArray, found: FloatArray) -> None:
        """Lift of the top decile; precision and recall of the list."""
        total, leavers = upto[:, -1], found[:, -1]
        decile, decile_hits = self._hits(upto, found, 0.1)
        out["top_decile_lift"] = decile_hits / decile / (leavers / total)
        k, hits = self._hits(upto, found, self.plan.list_share)
        out["precision_at_list"] = hits / k
        out["recall_at_list"] = hits / leavers

    def _hits(self, upto: FloatArray, found: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
        """Length of the top share, and the leavers in it; of a repeated row only the copies that fit."""
        k = np.maximum(1.0, np.floor(share * upto[:, -1] + 0.5))
        # the first row whose cumulated weight reaches k holds the edge
        edge = np.array([np.searchsorted(line, length, side="left") for line, length in zip(upto, k, strict=True)]) - 1
        edge = np.clip(edge, 0, self.rows.n - 1)
        line = np.arange(len(upto))
        inside = found[line, self.leavers_before[edge]]
        return k, inside + self.rows.y[edge] * (k - upto[line, edge])

    def _calibration(self, out: dict[str, FloatArray], w: FloatArray, total: FloatArray, leavers: FloatArray) -> None:
        """Losses, and ECE in the bins of the original sample, which stay fixed over all weightings."""
        rate = leavers / total
        out["log_loss"] = np.einsum("ij,j->i", w, self.losses) / total
        out["brier"] = np.einsum("ij,j->i", w, self.residuals**2) / total
        out["brier_skill"] = 1 - out["brier"] / (rate * (1 - rate))
        gaps = np.add.reduceat(w * self.residuals, self.bin_starts, axis=1)
        out["ece"] = np.abs(gaps).sum(axis=1) / total

    def _empc(self, upto: FloatArray, found: FloatArray) -> FloatArray:
        leavers = np.diff(np.take(found, self.leavers_before[self.hull], axis=1), axis=1)
        stayers = np.diff(np.take(upto, self.hull, axis=1), axis=1) - leavers
        pairs = zip(leavers, stayers, strict=True)
        return np.array([empc_of_levels(a, b, self.plan.campaign) for a, b in pairs])

    def _budget(self, w: FloatArray, total: FloatArray) -> FloatArray:
        """Profit at a budget that grows with the resample, so that each customer keeps the same share."""
        spend = self.plan.spend
        out = np.zeros(len(w))
        if spend is None or not len(self.contacts):
            return out
        weight = np.take(w, self.contacts, axis=1)
        if np.isfinite(spend.budget) and spend.cost:
            limit = np.floor(spend.budget * (total / self.rows.n) / spend.cost + 1e-9)
            room = limit[:, None] - (np.cumsum(weight, axis=1) - weight)
            weight = np.minimum(weight, np.maximum(room, 0.0))
        profit: FloatArray = np.einsum("ij,j->i", weight, self.gains)
        return profit


def _corners(rows: Rows) -> IntArray:
    """Rows at which the ROC curve's convex hull can have a corner, whatever the weights.

    The curve bends outward only where a score level with a leaver is followed by one with a stayer; all
    other neighbours can be pooled beforehand.
    """
    starts = np.unique(rows.start)
    if not len(starts):
        return starts
    leavers = np.add.reduceat(rows.y, starts)
    stayers = np.diff(np.r_[starts, rows.n]) - leavers
    return starts[np.r_[True, (leavers[:-1] > 0) & (stayers[1:] > 0)]]


def _cumulated(weights: FloatArray) -> FloatArray:
    """Cumulative sums along each line, with a leading zero."""
    out = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=out[:, 1:])
    return out
