"""One reason per customer, from three that stay apart: stated, predicted, indicated."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.targeting.offers import Offer

UNKNOWN = "unknown"
SOURCES = ("stated", "predicted", "indicated")
_STRENGTH = {"predicted": "reason_predicted_prob", "indicated": "reason_indicated_strength"}


def best_reason(customers: pd.DataFrame) -> pd.DataFrame:
    """The best supported reason: what was stated, else what is predicted, else what is pointed at.

    Parameters
    ----------
    customers : pandas.DataFrame
        Columns `reason_stated, reason_predicted, reason_predicted_prob, reason_indicated,
        reason_indicated_strength`; empty or `unknown` means no reason.

    Returns
    -------
    pandas.DataFrame
        `exit_reason` (`unknown` when nothing is known), `reason_source` (stated, predicted, indicated,
        none) and `reason_prob`: 1 for a stated reason, the classifier's probability for a predicted one,
        for an indicated one the strength of the pointer, which is no probability.

    Examples
    --------
    >>> best_reason(pd.DataFrame({"reason_stated": [None, "price"], "reason_predicted": ["service", "product"],
    ...     "reason_predicted_prob": [0.7, 0.6], "reason_indicated": [None, None],
    ...     "reason_indicated_strength": [None, None]})).values.tolist()
    [['service', 'predicted', 0.7], ['price', 'stated', 1.0]]
    """
    reason = np.full(len(customers), UNKNOWN, dtype=object)
    source = np.full(len(customers), "none", dtype=object)
    prob = np.full(len(customers), np.nan)
    for name in reversed(SOURCES):
        given = _known(customers[f"reason_{name}"])
        reason[given] = customers[f"reason_{name}"].to_numpy(dtype=object)[given]
        source[given] = name
        strength = pd.to_numeric(customers[_STRENGTH[name]]).to_numpy(float) if name in _STRENGTH else None
        prob[given] = 1.0 if strength is None else strength[given]
    return pd.DataFrame({"exit_reason": reason, "reason_source": source, "reason_prob": prob}, index=customers.index)


def reason_fits(best: pd.DataFrame, offers: Sequence[Offer], gate_by_indicated: bool) -> NDArray[np.bool_]:
    """Which offer fits which customer's reason, shape (customers, offers).

    An offer without reasons fits everybody. An offer with reasons fits a customer whose `exit_reason` is
    among them and was stated or predicted; an indicated one counts only with `gate_by_indicated`.
    """
    sources = SOURCES if gate_by_indicated else SOURCES[:2]
    supported = best["reason_source"].isin(sources).to_numpy()
    fits = np.ones((len(best), len(offers)), dtype=bool)
    for column, offer in enumerate(offers):
        if offer.reasons:
            fits[:, column] = supported & best["exit_reason"].isin(offer.reasons).to_numpy()
    return fits


def gate_note(best: pd.DataFrame, offers: Sequence[Offer], gate_by_indicated: bool) -> str | None:
    """Say why no gated offer applies to anybody, and which setting opens it; None when some reason is known."""
    gated = [offer.name for offer in offers if offer.reasons]
    sources = set(best["reason_source"])
    if not gated or sources & set(SOURCES if gate_by_indicated else SOURCES[:2]):
        return None
    which = f"{', '.join(gated)} (made for certain exit reasons) {'goes' if len(gated) == 1 else 'go'} to nobody"
    leave_out = "take `reasons:` out of the offer to open it to everybody"
    if "indicated" in sources:
        return (
            f"No customer has a stated or predicted exit reason, so {which}: set "
            f"`targeting: {{gate_by_indicated: true}}` to let the reasons the model points at decide, or {leave_out}."
        )
    return f"No exit reason is known for anybody, so {which}: bring an exits table, or {leave_out}."


def _known(column: "pd.Series[str]") -> NDArray[np.bool_]:
    text = column.astype("string").str.strip().str.lower()
    known = text.notna() & ~text.isin(["", UNKNOWN, "none", "nan"])
    return known.to_numpy(dtype=bool)
