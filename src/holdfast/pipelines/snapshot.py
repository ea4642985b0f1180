"""Folds of a snapshot table: seeded, by customer, identical profiles together."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.evaluation.splits import snapshot_split

FOLDS = 4


def snapshot_folds(customers: pd.DataFrame, order: "pd.Series[str]", label: str, seed: int) -> npt.NDArray[np.int8]:
    """Fold 0..3 of each customer in `order`; fold 0, a quarter, is the test part.

    The profile is every column but the id and the label, so duplicated profiles never straddle the split.
    """
    columns = sorted(name for name in customers.columns if name not in {"customer_id", label})
    rows = customers.set_index("customer_id")[columns].reindex(order.to_numpy())
    profile = pd.util.hash_pandas_object(rows.astype("str"), index=False).to_numpy(np.uint64)
    ids = order.to_numpy(object)
    folds = np.full(len(ids), FOLDS - 1, dtype=np.int8)
    left = np.arange(len(ids))
    for fold in range(FOLDS - 1):
        taken = snapshot_split(ids[left], profile[left], seed + fold, share=1 / (FOLDS - fold))
        folds[left[taken]] = fold
        left = left[~taken]
    return folds
