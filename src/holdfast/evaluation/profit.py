"""What a ranking is worth: MPC, EMPC, and the modelled profit at a budget.

MPC and EMPC value a campaign per customer of the cohort: everybody above a threshold is contacted; a leaver
accepts the incentive with probability gamma and stays; a stayer who is contacted takes the incentive along.
In units of the customer's value V (`clv`), with d = incentive / V and f = contact cost / V, contacting the
share a of the cohort that leaves and the share b that stays earns

    V * [(gamma * (1 - d) - f) * a - (d + f) * b].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from holdfast.errors import ConfigError
from holdfast.evaluation.rows import (
    FloatArray,
    Ids,
    IntArray,
    as_codes,
    as_floats,
    as_pair,
    same_length,
    sort_rows,
    tie_ranges,
)


@dataclass(frozen=True)
class Campaign:
    """The campaign that MPC and EMPC suppose; the defaults are those of the literature, not of any firm.

    Parameters
    ----------
    alpha, beta : float
        Beta distribution of the share of leavers who accept; the mean is alpha / (alpha + beta).
    clv : float
        Value of a customer, in money, the same for all.
    incentive_cost, contact_cost : float
        Cost of an incentive taken and of a contact, in money.
    """

    alpha: float = 6.0
    beta: float = 14.0
    clv: float = 200.0
    incentive_cost: float = 10.0
    contact_cost: float = 1.0

    def __post_init__(self) -> None:
        if self.alpha <= 0 or self.beta <= 0 or self.clv <= 0:
            raise ConfigError(f"campaign: alpha {self.alpha}, beta {self.beta}, clv {self.clv}: expected above zero")
        if self.incentive_cost < 0 or self.contact_cost < 0:
            raise ConfigError("campaign: incentive_cost and contact_cost: expected zero or more")

    @property
    def accept_rate(self) -> float:
        """Mean share of leavers who accept."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True)
class Spend:
    """A budget and what it buys.

    Parameters
    ----------
    cost : float
        Expected cost of contacting one customer, in money; at zero every contact that saves anything pays.
    save_rate : float
        Share of the contacted would-be leavers who stay: assumed until a trial measures it.
    budget : float
        Money for all contacts of one cutoff; infinite by default.
    """

    cost: float
    save_rate: float = 0.05
    budget: float = float("inf")

    def __post_init__(self) -> None:
        if not self.cost >= 0:
            raise ConfigError(f"cost {self.cost}: expected zero or more")
        if not 0 <= self.save_rate <= 1 or not self.budget >= 0:
            raise ConfigError(f"save_rate {self.save_rate}, budget {self.budget}: expected a share, and zero or more")


def mpc(y: ArrayLike, p: ArrayLike, campaign: Campaign | None = None) -> float:
    """Maximum profit per customer at the best threshold, the acceptance held at its mean.

    Zero is always reached, by contacting nobody.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (1 = leaves) and score.
    campaign : Campaign

    Returns
    -------
    float
        Money per customer of the cohort.

    References
    ----------
    Verbraken, Verbeke & Baesens (2013), A novel profit maximizing metric for measuring classification
    performance of customer churn prediction models, IEEE TKDE 25(5).

    Examples
    --------
    >>> round(mpc([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]), 6)
    23.875
    """
    _, profit = profit_curve(y, p, campaign)
    return float(profit.max())


def empc(y: ArrayLike, p: ArrayLike, campaign: Campaign | None = None) -> float:
    """Expected maximum profit per customer: the best threshold for each acceptance, averaged over its Beta.

    Closed form over the segments of the ROC curve's convex hull: a segment with share a of leavers and b of
    stayers is contacted when gamma exceeds its break-even, and earns the mean of its line above that.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (1 = leaves) and score.
    campaign : Campaign

    Returns
    -------
    float
        Money per customer of the cohort, never below zero.

    References
    ----------
    Verbraken, Verbeke & Baesens (2013), IEEE TKDE 25(5).

    Examples
    --------
    >>> round(empc([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]), 6)
    23.875593
    """
    leavers, stayers = _score_levels(y, p)
    return empc_of_levels(leavers, stayers, campaign or Campaign())


def empc_of_levels(leavers: FloatArray, stayers: FloatArray, campaign: Campaign) -> float:
    """EMPC from the (weighted) counts of leavers and stayers at each score level, highest level first."""
    total = leavers + stayers
    present = np.flatnonzero(total > 0)
    if not present.size:
        return float("nan")
    size = total[present]
    # pooling adjacent violators of the churn rate gives the segments of the ROC curve's convex hull
    fit = isotonic_regression(leavers[present] / size, weights=size, increasing=False)
    a = np.add.reduceat(leavers[present], fit.blocks[:-1]) / size.sum()
    b = np.add.reduceat(stayers[present], fit.blocks[:-1]) / size.sum()
    return _expected_profit(a[a > 0], b[a > 0], campaign)


def _expected_profit(a: FloatArray, b: FloatArray, campaign: Campaign) -> float:
    """Mean over gamma of the sum of max(0, line) over hull segments."""
    d, f = campaign.incentive_cost / campaign.clv, campaign.contact_cost / campaign.clv
    if d >= 1:
        return 0.0
    fixed = f * a + (d + f) * b
    threshold = np.minimum(fixed / ((1 - d) * a), 1.0)
    mass = 1 - betainc(campaign.alpha, campaign.beta, threshold)
    mean = campaign.accept_rate * (1 - betainc(campaign.alpha + 1, campaign.beta, threshold))
    return float(campaign.clv * np.maximum((1 - d) * a * mean - fixed * mass, 0.0).sum())


def profit_curve(y: ArrayLike, p: ArrayLike, campaign: Campaign | None = None) -> tuple[FloatArray, FloatArray]:
    """Share of the cohort contacted, and profit per customer of the cohort, at each score level.

    Starts at (0, 0): nobody contacted. Acceptance at its mean.

    Examples
    --------
    >>> share, profit = profit_curve([1, 0], [0.9, 0.1])
    >>> share.tolist(), [round(float(v), 6) for v in profit]  # 200 x (.3 x .95 - .005) / 2; then - (10 + 1) / 2
    ([0.0, 0.5, 1.0], [0.0, 28.0, 22.5])
    """
    leavers, stayers = _score_levels(y, p)
    n = max(float((leavers + stayers).sum()), 1.0)
    found, taken = np.r_[0.0, np.cumsum(leavers)], np.r_[0.0, np.cumsum(stayers)]
    gain, loss = gain_and_loss(campaign or Campaign())
    return (found + taken) / n, (gain * found - loss * taken) / n


def gain_and_loss(campaign: Campaign) -> tuple[float, float]:
    """Money earned by contacting one leaver, and lost by contacting one stayer, acceptance at its mean."""
    gain = campaign.accept_rate * (campaign.clv - campaign.incentive_cost) - campaign.contact_cost
    return gain, campaign.incentive_cost + campaign.contact_cost


@dataclass(frozen=True)
class BudgetProfit:
    """What a budget buys: how many are contacted, what the model promised, what the outcomes allow.

    `promised` takes the model's probabilities, `modelled` the outcomes that came; the effect of a contact
    is assumed in both.
    """

    contacted: int
    spent: float
    promised: float
    modelled: float


def contact_order(p: FloatArray, value: FloatArray, code: IntArray, y: FloatArray, spend: Spend) -> IntArray:
    """Rows worth contacting, best expected profit first, ties by customer."""
    expected = spend.save_rate * p * value - spend.cost
    order = np.lexsort((y, code, -expected))
    return order[expected[order] > 0].astype(np.intp)


def profit_at_budget(y: ArrayLike, p: ArrayLike, value: ArrayLike, customer: Ids, spend: Spend) -> BudgetProfit:
    """Modelled profit of contacting the customers with the highest expected profit while the money lasts.

    Expected profit of a contact is save_rate * p * value - cost; only positive ones are contacted. What came
    of it, as far as outcomes can tell, is save_rate * y * value - cost.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and probability.
    value : array of shape (n,)
        Money lost when this customer leaves.
    customer : array of shape (n,)
        Customer ids; they break ties.
    spend : Spend

    Returns
    -------
    BudgetProfit

    Examples
    --------
    >>> spend = Spend(cost=1.0, save_rate=0.1, budget=2.0)
    >>> bought = profit_at_budget([1, 0, 1], [0.75, 0.5, 0.25], [100, 80, 80], ["a", "b", "c"], spend)
    >>> bought  # promised 7.5 + 4 - 2, modelled 10 + 0 - 2
    BudgetProfit(contacted=2, spent=2.0, promised=9.5, modelled=8.0)
    """
    labels, scores = as_pair(y, p, probability=True)
    money, (codes, _) = as_floats(value, "value"), as_codes(customer)
    same_length(label=labels, value=money, customer=codes)
    chosen = contact_order(scores, money, codes, labels, spend)
    chosen = chosen[: affordable(len(chosen), spend)]
    spent = len(chosen) * spend.cost
    promised = float((spend.save_rate * scores[chosen] * money[chosen]).sum()) - spent
    modelled = float((spend.save_rate * labels[chosen] * money[chosen]).sum()) - spent
    return BudgetProfit(len(chosen), spent, promised, modelled)


def affordable(wanted: int, spend: Spend) -> int:
    """How many contacts the budget pays for, at most `wanted`."""
    # a budget of 0.3 pays three contacts of 0.1, although 0.3 / 0.1 is 2.9999999999999996
    return wanted if wanted * spend.cost <= spend.budget else int(np.floor(spend.budget / spend.cost + 1e-9))


def _score_levels(y: ArrayLike, p: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Leavers and stayers at each distinct score, highest first."""
    labels, scores = as_pair(y, p)
    rows = sort_rows(labels, scores, np.zeros(len(labels), dtype=np.intp))
    if rows.n == 0:
        return np.zeros(0), np.zeros(0)
    firsts = np.unique(tie_ranges(rows.p)[0])
    leavers = np.add.reduceat(rows.y, firsts)
    return leavers, np.diff(np.r_[firsts, rows.n]) - leavers
