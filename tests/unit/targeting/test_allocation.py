import numpy as np

from holdfast.targeting.allocation import allocate, why_left_out

NONE = [None, None]


def table(*rows):
    return np.array(rows, dtype=float)


def prices(*rows):
    return np.array(rows, dtype=np.int64)


def test_the_densest_are_bought_first():
    # densities 3, 5, 2; a budget of 4 buys the second (1) and the first (3)
    assert allocate(table([9], [5], [2]), prices([3], [1], [1]), 4, [None]).choice.tolist() == [0, 0, -1]


def test_what_does_not_fit_is_passed_over():
    # densities 5, 4, 3: after the first (2) nothing is left for the second (3), but the third (1) fits
    assert allocate(table([10], [12], [3]), prices([2], [3], [1]), 3, [None]).choice.tolist() == [0, -1, 0]


def test_a_scarce_budget_prefers_the_cheap_offer_a_free_one_the_best():
    profit, cost = table([20, 100], [20, 100]), prices([1, 50], [1, 50])
    assert allocate(profit, cost, 2, NONE).choice.tolist() == [0, 0]
    # 1 + 1 + 49 = 51: one upgrade of 80 for 49
    assert allocate(profit, cost, 51, NONE).choice.tolist() == [1, 0]
    assert allocate(profit, cost, 100, NONE).choice.tolist() == [1, 1]


def test_a_dear_first_choice_that_does_not_fit_falls_back():
    assert allocate(table([10, 90]), prices([5, 30]), 10, NONE).choice.tolist() == [0]


def test_a_full_offer_gives_way_to_the_next_best():
    done = allocate(table([9, 3], [8, 2], [7, -1]), prices([1, 1], [1, 1], [1, 1]), 100, [1, None])
    assert done.choice.tolist() == [0, 1, -1]
    assert why_left_out(table([9, 3], [8, 2], [7, -1]), prices([1, 1], [1, 1], [1, 1]), done).tolist() == [
        "", "", "capacity"]  # fmt: skip


def test_room_that_an_upgrade_gives_back_is_used():
    # Row 0 first takes offer 0 (density 9), then moves on to offer 1; row 1 can only use offer 0.
    done = allocate(table([9, 30], [8, -1]), prices([1, 10], [1, 1]), 100, [1, None])
    assert done.choice.tolist() == [1, 0]


def test_the_held_out_must_fit_but_use_nothing():
    profit, cost = table([9], [8], [7]), prices([2], [2], [2])
    done = allocate(profit, cost, 2, [1], free=np.array([True, False, False]))
    assert done.choice.tolist() == [0, 0, -1]
    assert (done.left, done.room) == (0, (0,))
    assert allocate(profit, cost, 1, [1], free=np.array([True, False, False])).choice.tolist() == [-1, -1, -1]


def test_nothing_to_give():
    assert allocate(np.empty((2, 0)), np.empty((2, 0), dtype=np.int64), 10, []).choice.tolist() == [-1, -1]
    assert allocate(np.empty((0, 1)), np.empty((0, 1), dtype=np.int64), 10, [None]).choice.tolist() == []


def test_budget_is_named_before_capacity():
    profit, cost = table([9, 9], [8, 8]), prices([2, 5], [2, 5])
    done = allocate(profit, cost, 3, [1, None])
    assert why_left_out(profit, cost, done).tolist() == ["", "budget"]
