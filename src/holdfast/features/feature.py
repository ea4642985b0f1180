"""What a feature is: a column with a name, a unit, a family, a window and the exit class it speaks for."""

from dataclasses import dataclass

FAMILIES = (
    "recency", "frequency", "money", "returns", "breadth", "rhythm", "trend", "season", "tenure", "basket",
    "timing", "expectation", "attributes", "service", "relationship", "contract",
)  # fmt: skip
"""Groups in which SHAP values are summed; at most sixteen."""


@dataclass(frozen=True)
class Case:
    """Another sentence for the rows in which some column lies in a range, equals another, or is not known.

    Parameters
    ----------
    words : str
        As in `Feature`; "" when the feature has nothing to say about such a row.
    column : str
        The column that decides; often another one than the feature's own.
    least, below : float or None
        The case holds from `least` up to, but without, `below`.
    same_as : str or None
        The case holds where this column has the same value. Without bounds and `same_as` it holds where `column` is
        missing.
    about : tuple of str
        As in `Feature`.
    weak : bool
        As in `Feature`.
    """

    words: str
    column: str
    least: float | None = None
    below: float | None = None
    same_as: str | None = None
    about: tuple[str, ...] = ()
    weak: bool = False


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
        Sentence for a reason: what is the case, never a cause. A format string over this and other feature names
        of the same row, e.g. ``"last order {days_since_last_order:# day|# days} ago; usual gap {gap_mean_days:.0f}"``;
        `drivers.words` says which formats there are. "" when the feature never speaks.
    table : str
        The canonical table it is read from.
    fitted : bool
        Whether it needs a `PopulationState` (fitted on the population before the cutoff).
    categorical : bool
        Whether it is a category rather than a number.
    cases : tuple of Case
        Other sentences; the first case that holds takes the place of `words`.
    about : tuple of str
        What `words` tell of (see `features.spoken`). A customer hears of each thing once.
    weak : bool
        Whether `words` are true but explain little, and speak only where nothing else does.
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
    cases: tuple[Case, ...] = ()
    about: tuple[str, ...] = ()
    weak: bool = False
