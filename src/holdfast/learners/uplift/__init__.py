"""Uplift learners: what an offer changes for each customer, learnt from trials."""

from holdfast.learners.uplift.design import Design
from holdfast.learners.uplift.learners import (
    LEARNERS,
    DefaultUplift,
    DoublyRobust,
    SLearner,
    TLearner,
    UpliftLearner,
    XLearner,
)

__all__ = ["LEARNERS", "DefaultUplift", "Design", "DoublyRobust", "SLearner", "TLearner", "UpliftLearner", "XLearner"]
