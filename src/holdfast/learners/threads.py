"""One linear-algebra thread while a fit runs, also when several fits run side by side."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_turn = threading.RLock()


@contextmanager
def single_blas() -> Iterator[None]:
    """Hold BLAS at one thread, so that sums do not depend on the number of cores.

    The limit of OpenBLAS is global to the process: a fit that ends would lift it under a neighbour that still
    runs, and only the thread that set it may lift it. So these sections take turns. They are the short part of
    a fit; the trees, which are the long one, run side by side.

    Examples
    --------
    >>> with single_blas():
    ...     1 + 1
    2
    """
    with _turn, threadpool_limits(limits=1, user_api="blas"):
        yield
