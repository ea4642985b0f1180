"""The test part of a snapshot table: a seeded quarter of the customers, twins kept together."""

from hashlib import blake2b

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from holdfast.errors import DataError
from holdfast.evaluation.rows import BoolArray, Ids, as_codes, same_length


def snapshot_split(customer_ids: Ids, profiles_hash: Ids, seed: int, share: float = 0.25) -> BoolArray:
    """Which rows are the test part.

    Rows of one customer, and rows with identical profiles, go to the same side: a twin in the training part
    would give its label away. Such groups are drawn whole, in an order that depends on the seed and on the
    smallest customer id of the group only, so the order of rows and the number of other columns change nothing.

    Parameters
    ----------
    customer_ids : array of shape (n,)
        Customer ids.
    profiles_hash : array of shape (n,)
        Equal for rows with identical profiles.
    seed : int
        Seed of the draw.
    share : float
        Share of the rows in the test part; met as closely as whole groups allow, with both parts non-empty.

    Returns
    -------
    array of bool, shape (n,)
        True for the test part.

    Raises
    ------
    DataError
        When all rows hang together, or there are fewer than two.

    Examples
    --------
    >>> test = snapshot_split(["a", "b", "c", "d"], [1, 2, 2, 3], seed=3, share=0.5)
    >>> bool(test[1] == test[2]), int(test.sum())
    (True, 2)
    """
    if not 0 < share < 1:
        raise ValueError(f"share {share}: expected between 0 and 1")
    ids = np.asarray(customer_ids)
    customers, n_customers = as_codes(ids)
    profiles, n_profiles = as_codes(profiles_hash, "profile")
    same_length(customer=customers, profile=profiles)
    # customers and profiles are the nodes of a graph, rows its edges: what hangs together stays together
    size = n_customers + n_profiles
    edges = (np.ones(len(ids)), (customers, n_customers + profiles))
    groups, group_of_node = connected_components(coo_matrix(edges, shape=(size, size)), directed=False)
    if groups < 2:
        raise DataError(f"{len(ids)} rows are one customer or one profile: no part of them can be held out for a test")
    group = group_of_node[customers]
    first = np.full(groups, n_customers, dtype=np.intp)
    np.minimum.at(first, group, customers)
    names = np.empty(n_customers, dtype=object)
    names[customers] = ids
    keys = [_draw(names[code], seed) for code in first]
    order = np.array(sorted(range(groups), key=lambda g: (keys[g], first[g])))
    filled = np.cumsum(np.bincount(group, minlength=groups)[order])
    cut = int(np.argmin(np.abs(filled[:-1] - share * len(ids)))) + 1
    chosen = np.zeros(groups, dtype=np.bool_)
    chosen[order[:cut]] = True
    test: BoolArray = chosen[group]
    return test


def _draw(customer_id: object, seed: int) -> bytes:
    """A place in the draw that only the id and the seed decide."""
    return blake2b(str(customer_id).encode(), digest_size=16, key=str(seed).encode()[:64]).digest()
