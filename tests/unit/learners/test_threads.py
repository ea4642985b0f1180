import threading

import numpy as np
from threadpoolctl import threadpool_info

from holdfast.learners.threads import single_blas


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_one_thread_inside_and_the_old_number_after():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with single_blas():
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


def test_neighbours_take_turns_and_the_limit_is_lifted_at_the_end():
    before = blas_threads()
    seen = []

    def short_fit():
        with single_blas():
            seen.append(set(blas_threads()))

    with single_blas():
        neighbour = threading.Thread(target=short_fit)
        neighbour.start()
        neighbour.join(0.2)
        assert seen == []  # still waiting for its turn
    neighbour.join(10)
    assert len(seen) == 1
    assert seen[0] <= {1}
    assert blas_threads() == before


def test_sections_may_be_nested():
    with single_blas(), single_blas():
        assert set(blas_threads()) <= {1}
