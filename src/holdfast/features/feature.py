"""What a feature is: a column with a name, a unit, a family, a window and the exit class it speaks for."""

from dataclasses import dataclass

FAMILIES = (
    "recency", "frequency", "money", "returns", "breadth", "rhythm", "trend", "season", "tenure", "basket",
    "timing", "expectation", "attributes", "service", "relationship", "contract",
)  # fmt: skip
"""Groups in which SHAP values are summed; at most sixteen."""


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Parameters
    ----------
    name : str
        Column name; carries unit and window (`orders_90d`, `days_since_last_order`).
    unit : str
        days, orders, money, units, share, ratio, log ratio, probability, count, points, level, hour …
    family : str
        One of `FAMILIES`.
    window : str
        Trailing window (`90d`), `all`, or another description of the range of time it reads.
    exit_class : str or None
        The class of leavers (domain A3) this feature can be evidence for, or None for general ones.
    words : str
        Sentence for a reason; a format string over this and other feature names of the same row,
        e.g. ``"last order {days_since_last_order:.0f} days ago; usual gap {gap_mean_days:.0f}"``.
    table : str
        The canonical table it is read from.
    fitted : bool
        Whether it needs a `PopulationState` (fitted on the population before the cutoff).
    categorical : bool
        Whether it is a category rather than a number.
    """

    name: str
    unit: str
    family: str
    window: str
    exit_class: str | None
    words: str
    table: str = "purchases"
    fitted: bool = False
    categorical: bool = False
