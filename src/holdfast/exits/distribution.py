"""Why they left: the share of each class, with the unknown kept in sight (domain A4)."""

from collections.abc import Sequence

import pandas as pd

from holdfast.schema import EXIT_CLASSES

UNKNOWN = "unknown"


def leaver_distribution(leavers: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count and share of the leavers of each class.

    Parameters
    ----------
    leavers : DataFrame
        `reason` (one of the six classes; missing is `unknown`), `weight` where a row is not one whole leaver (a risk),
        and the columns of `by`.
    by : sequence of str
        Columns whose every combination gets a distribution of its own.

    Returns
    -------
    DataFrame
        The columns of `by`, `reason, leavers, share`: every class and `unknown` is there, and the shares of a group add
        to 1.

    Examples
    --------
    >>> found = leaver_distribution(pd.DataFrame({"reason": ["price", None, "price", "service"]}))
    >>> found.set_index("reason")["share"].loc[["price", "unknown", "market"]].tolist()
    [0.5, 0.25, 0.0]
    """
    order = [*EXIT_CLASSES, UNKNOWN]
    named = leavers["reason"].astype(object).where(leavers["reason"].isin(EXIT_CLASSES), UNKNOWN)
    weight = leavers["weight"] if "weight" in leavers.columns else pd.Series(1.0, index=leavers.index)
    keys = [leavers[name].astype(object).where(leavers[name].notna(), "missing").astype(str) for name in by]
    sums = weight.groupby([*keys, named.rename("reason")]).sum() if len(leavers) else pd.Series(dtype=float)
    if not len(leavers):
        return pd.DataFrame(columns=[*by, "reason", "leavers", "share"])
    wide = (
        sums.unstack("reason").reindex(columns=order).fillna(0.0)
        if by
        else sums.reindex(order).fillna(0.0).to_frame().T
    )
    share = wide.div(wide.sum(axis=1), axis=0)
    found = pd.DataFrame({"leavers": wide.stack(), "share": share.stack()}).rename_axis([*(by or ["all"]), "reason"])
    found = found.reset_index()
    return found[[*by, "reason", "leavers", "share"]]
