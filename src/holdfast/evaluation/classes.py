"""Figures of predicted classes: macro-AUROC, macro-F1, log loss, calibration, and what abstaining leaves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import f1_score

from holdfast.evaluation.calibration import ece, ece_floor
from holdfast.evaluation.ranking import auroc

Floats = npt.NDArray[np.float64]


def judge_classes(
    truth: "pd.Series[str]", probability: Floats, classes: Sequence[str], claimed: "pd.Series[str]", seed: int
) -> dict[str, Any]:
    """Judge probabilities and claims of rows whose class is known.

    Parameters
    ----------
    truth : Series of str
        The class of each row.
    probability : array of shape (n, n_classes)
        Probabilities that have not seen the rows.
    classes : sequence of str
        Names of the columns of `probability`.
    claimed : Series of str
        The class claimed for each row; anything else (`unknown`) is an abstention.
    seed : int
        Of the floor of the calibration error.

    Returns
    -------
    dict
        `n, macro_auroc` (mean over the classes of one against the rest), `macro_f1` and `accuracy` of the likeliest
        class, `log_loss`, `ece, ece_floor` (of the likeliest class's probability), `coverage` (share of rows with a
        claim), `accuracy_claimed`, `macro_f1_claimed` (an abstention counts as a miss).

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> found = judge_classes(pd.Series(["price", "service"]), p, ["price", "service"],
    ...     pd.Series(["price", "unknown"]), seed=0)
    >>> found["macro_auroc"], found["accuracy"], found["coverage"], round(found["macro_f1_claimed"], 3)
    (1.0, 1.0, 0.5, 0.5)
    """
    y, said = truth.to_numpy(object), claimed.to_numpy(object)
    names = np.array(list(classes), dtype=object)
    likeliest, top = names[probability.argmax(axis=1)], probability.max(axis=1)
    right = likeliest == y
    own = (y[:, None] == names[None, :]).astype(float)
    p_own = np.maximum((own * probability).sum(axis=1), 1e-6)
    spoke = np.isin(said, names)
    areas = [auroc(own[:, k], probability[:, k]) for k in range(len(names)) if 0 < own[:, k].sum() < len(y)]
    floor = ece_floor(top, seed=seed)
    return {
        "n": len(y),
        "macro_auroc": float(np.mean(areas)) if areas else float("nan"),
        "macro_f1": _macro_f1(y, likeliest, names),
        "accuracy": float(right.mean()),
        "log_loss": float(-np.log(p_own).mean()),
        "ece": ece(right.astype(float), top),
        "ece_floor": float(floor.mean),
        "coverage": float(spoke.mean()),
        "accuracy_claimed": float((said == y)[spoke].mean()) if spoke.any() else float("nan"),
        "macro_f1_claimed": _macro_f1(y, said, names),
    }


def _macro_f1(y: npt.NDArray[Any], said: npt.NDArray[Any], names: npt.NDArray[Any]) -> float:
    present = [name for name in names if (y == name).any()]
    return float(f1_score(y.astype(str), said.astype(str), labels=present, average="macro", zero_division=0.0))
