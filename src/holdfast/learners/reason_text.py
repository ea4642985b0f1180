"""Reasons read out of a leaver's own words: TF-IDF and a logistic regression, no more (domain A3).

Numbers, addresses and anything with an @ are dropped before words are counted, and a word is shown to people only
when enough leavers used it, so that no name gets into a report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from holdfast.learners.reason import FOLDS, Rows, class_codes, cross_fit, scaled

Floats = npt.NDArray[np.float64]

LEAST_LEAVERS = 10
"""Leavers who have to use a word before it may be shown."""
SHOWN_WORDS = 8
_FLOOR = 1e-6
_TOKEN = r"(?u)\b[^\W\d_]{2,}\b"
_HIDDEN = r"\S*(?:@|://|www\.|\d)\S*"


@dataclass(frozen=True)
class TextReasons:
    """Class probabilities of a text; made by `fit_text_reasons`.

    Parameters
    ----------
    classes : tuple of str
    prior : ndarray of shape (n_classes,)
        Shares among those who wrote and whose reason is known.
    scale : ndarray of shape (1,)
        As in `ReasonClassifier`.
    pipeline : Pipeline
        TF-IDF and logistic regression.
    words : dict of str to list of str
        The words that speak most for each class, among those that at least `LEAST_LEAVERS` used.
    """

    classes: tuple[str, ...]
    prior: Floats
    scale: Floats
    pipeline: Pipeline
    words: dict[str, list[str]]

    def predict_proba(self, text: "pd.Series[str]") -> Floats:
        """Calibrated probabilities, shape (n, n_classes); a text without a known word gives the shares."""
        found = scaled(_votes(self.pipeline, text), self.prior, self.scale)
        silent = np.asarray(self.pipeline[0].transform(_clean(text)).getnnz(axis=1)) == 0
        found[silent] = self.prior
        return found


def fit_text_reasons(
    text: "pd.Series[str]", reason: "pd.Series[str]", customer: Sequence[Any], seed: int, folds: int = FOLDS
) -> tuple[TextReasons, Floats]:
    """Fit on leavers who wrote something and whose reason is known.

    Parameters
    ----------
    text, reason : Series of str
        Of the same leavers, none missing.
    customer : sequence
        Texts of one customer stay together in the folds.
    seed, folds : int

    Returns
    -------
    tuple
        The model, and the probabilities of every row by models that had not seen its customer.

    Raises
    ------
    DataError
        With fewer than two classes of ten leavers.

    Examples
    --------
    >>> text = pd.Series(["far too dear", "the price is dear", "nobody called back", "they never called"] * 10)
    >>> model, _ = fit_text_reasons(text, pd.Series(["price", "price", "service", "service"] * 10), list(range(40)), 0)
    >>> model.predict_proba(pd.Series(["it is dear"])).argmax(axis=1).tolist(), model.words["price"]
    ([0], ['dear', 'far', 'too', 'is', 'price', 'the'])
    """
    classes, y = class_codes(reason)
    words = text.reset_index(drop=True)

    def votes(train: Rows, valid: Rows) -> Floats:
        return _votes(_fit(words.iloc[train], y[train]), words.iloc[valid])

    scale, unseen = cross_fit(votes, y, customer, seed, folds)
    pipeline = _fit(words, y)
    prior = np.bincount(y, minlength=len(classes)) / len(y)
    return TextReasons(classes, prior, scale, pipeline, _telling(pipeline, words, classes)), unseen


def _fit(text: "pd.Series[str]", y: Rows) -> Pipeline:
    made: Pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=_TOKEN, min_df=2, max_features=5000, sublinear_tf=True, strip_accents="unicode"),
        LogisticRegression(C=3.0, max_iter=1000),
    )
    return made.fit(_clean(text), y)


def _votes(pipeline: Pipeline, text: "pd.Series[str]") -> Floats:
    if not len(text):
        return np.zeros((0, len(pipeline[-1].classes_), 1))
    return np.asarray(np.log(np.maximum(pipeline.predict_proba(_clean(text)), _FLOOR)))[:, :, None]


def _clean(text: "pd.Series[str]") -> list[str]:
    return [str(words) for words in text.fillna("").astype(str).str.replace(_HIDDEN, " ", regex=True)]


def _telling(pipeline: Pipeline, text: "pd.Series[str]", classes: Sequence[str]) -> dict[str, list[str]]:
    counts = np.asarray((pipeline[0].transform(_clean(text)) > 0).sum(axis=0)).ravel()
    names = pipeline[0].get_feature_names_out()
    weights = pipeline[-1].coef_
    weights = np.vstack([-weights[0], weights[0]]) if len(weights) == 1 else weights
    found = {}
    for name, row in zip(classes, weights, strict=True):
        shown = [k for k in np.lexsort((names, -row)) if counts[k] >= LEAST_LEAVERS and row[k] > 0][:SHOWN_WORDS]
        found[name] = [str(names[k]) for k in shown]
    return found
