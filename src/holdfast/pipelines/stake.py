"""What is at stake at a past cutoff: money per customer, and the terms of a modelled campaign."""

import numpy as np
import numpy.typing as npt

from holdfast.evaluation.profit import Spend
from holdfast.examples import Examples
from holdfast.pipelines.domain import make_task, mean_offer
from holdfast.pipelines.graph import Context


def at_stake(
    context: Context, task: str, rows: Examples, churn_rate: float
) -> tuple[npt.NDArray[np.float64] | None, Spend | None]:
    """Each customer's own margin over the past year, and what a contact costs and saves under the config.

    None, None where that is not known: no purchases, no offers, no budget, or a task whose label 1 is staying.
    """
    config, offer = context.config, mean_offer(context.config, churn_rate)
    known = "spend_365d" in rows.frame.columns and make_task(config, task).kind != "repeat"
    if not known or offer is None or not config.targeting.budget:
        return None, None
    value = np.maximum(rows.frame["spend_365d"].fillna(0).to_numpy(np.float64) * config.economics.margin, 0)
    return value, Spend(cost=offer[0], save_rate=offer[1], budget=config.targeting.budget)
