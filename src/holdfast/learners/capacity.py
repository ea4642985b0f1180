"""How much the data can carry: a ladder of settings from stiff to supple, climbed as far as forward folds allow.

One recipe cannot serve a noisy shop and a table that all but names the leavers: what lifts the one spoils the other
(docs/accuracy.md). The default stands in the middle. Each further step is tried on the validation folds while steps
keep improving; then the best is taken if its gain over the default exceeds its standard error, else the default.
"""

from typing import Any

from holdfast.learners.boosting import auto_min_child_weight

DEFAULT = "default"
SUPPLE = ("rich", "supple", "bold")
"""Steps up from the default, in order."""
STIFF = "stiff"
"""The step down, tried where the first step up is worse."""


def settings_of(step: str, n_rows: int) -> dict[str, Any]:
    """Settings of `BlendClassifier` for a step of the ladder; those of the default are empty.

    Parameters
    ----------
    step : str
        `stiff`, `default`, `rich`, `supple` or `bold`.
    n_rows : int
        Training rows; the least leaf goes by them.

    Examples
    --------
    >>> settings_of("default", 5000), settings_of("rich", 5000)["min_child_weight"]
    ({}, 10.0)
    """
    leaf = auto_min_child_weight(n_rows)
    steps: dict[str, dict[str, Any]] = {
        STIFF: {"n_trees": 300, "max_depth": 3, "C": 0.002},
        DEFAULT: {},
        "rich": {"n_trees": 700, "min_child_weight": leaf / 3, "C": 0.1, "weight": 0.6},
        "supple": {
            "n_trees": 600, "learning_rate": 0.04, "max_depth": 5, "min_child_weight": max(2.0, leaf / 10),
            "reg_lambda": 5.0, "colsample": 0.4, "subsample": 0.7, "C": 0.3, "weight": 0.7,
        },
        "bold": {
            "n_trees": 800, "learning_rate": 0.05, "max_depth": 6, "min_child_weight": 1.0, "reg_lambda": 1.0,
            "colsample": 0.6, "subsample": 0.8, "C": 1.0, "weight": 0.9, "max_bin": 256,
        },
    }  # fmt: skip
    return steps[step]
