"""One customer worked by hand: windows, season, trend, money, basket, timing, returns, rhythm, products."""

from datetime import date
from math import log, sqrt

import pandas as pd
import pytest

from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories

NOW, H = date(2024, 6, 1), 60
ROWS = [
    # age in days at the cutoff on the right; 2024-06-01 is a Saturday
    ("a", "2023-05-20 10:00", 40, "o1", "p1", 2, 20.0, 20.0),  # 378, Saturday
    ("a", "2023-06-02 08:30", 20, "o2", "p1", 1, 20.0, 20.0),  # 365, Friday: first day of the same 60 days last year
    ("a", "2023-07-31 12:00", 10, "o3", "p2", 1, 10.0, 10.0),  # 306, Monday: their last day
    ("a", "2023-08-01 12:00", 5, "o4", "p3", 1, 5.0, 5.0),  # 305, Tuesday
    ("a", "2024-03-03 09:00", 10, "o5", "p1", 1, 10.0, 12.5),  # 90, Sunday
    ("a", "2024-03-03 09:00", 20, "o5", "p4", 4, 5.0, 5.0),
    ("a", "2024-05-31 18:00", 15, "o6", "p2", 3, 5.0, 5.0),  # 1, Friday
    ("a", "2024-05-31 20:30", 9, "o7", None, 1, 9.0, 9.0),
    ("a", "2024-05-25 11:00", -7, "o5", "p1", 1, 7.0, 7.0),  # returned 7 and 152 days ago
    ("a", "2024-05-25 12:00", -3, "o5", "p4", 1, 3.0, 3.0),
    ("a", "2024-01-01 12:00", -2, "o4", "p3", 1, 2.0, 2.0),
    ("b", "2024-05-01 12:00", -4, "o8", "p1", 1, 4.0, 4.0),  # nothing but a return
    ("c", "2024-06-01 00:00", 99, "o9", "p1", 1, 99.0, 99.0),  # begins at the cutoff
]  # fmt: skip
COLUMNS = ["customer_id", "at", "amount", "order_id", "product_id", "quantity", "unit_price", "list_price"]
SPENDS = (40, 20, 10, 5, 30, 24)
EXPECTED = {
    "days_since_last_order": 1, "tenure_days": 378, "purchase_days_all": 6, "orders_all": 7, "spend_all": 129,
    "days_since_second_last_order": 90, "days_since_third_last_order": 305, "days_since_fourth_last_order": 306,
    "days_since_fifth_last_order": 365, "days_since_sixth_last_order": 378,
    # trailing windows hold ages up to their length: 90 is inside 90d, 365 inside 365d, 378 is not
    "purchase_days_7d": 1, "purchase_days_60d": 1, "purchase_days_90d": 2, "purchase_days_270d": 2,
    "purchase_days_365d": 5, "purchase_days_540d": 6, "spend_30d": 24, "spend_90d": 54, "spend_365d": 89,
    "orders_30d": 2, "orders_90d": 3, "orders_180d": 3, "orders_365d": 6,
    "last_year_purchase_days_h": 2, "last_year_spend_h": 30, "two_years_ago_purchase_days_h": 0,
    "purchase_days_90d_over_prior_275d": log(2.5 / (3 / 3 + 0.5)), "purchase_days_90d_over_prior_90d": log(2.5 / 0.5),
    "spend_90d_over_prior_90d": log(55 / 1), "spend_30d_over_prior_60d": log(25 / (30 / 2 + 1)),
    # spends of the days: 40 20 10 5 30 24, sum 129
    "day_spend_mean": 21.5, "day_spend_median": 22, "day_spend_max": 40, "day_spend_first": 40, "day_spend_last": 24,
    "day_spend_sd": sqrt(827.5 / 5),  # 18.5² + 1.5² + 11.5² + 16.5² + 8.5² + 2.5² = 827.5
    "day_spend_last_over_mean": 24 / 21.5,
    # 8 lines, 14 units and 7 products (none without an id) in 7 orders
    "lines_per_order": 8 / 7, "lines_last_day": 2, "units_per_order": 2, "units_last_day": 4,
    "unit_price_mean": 129 / 14,
    "products_per_order": 1, "discount_share_all": 2.5 / 131.5,  # one unit at 10 instead of 12.5
    # first orders of the days at 600 510 720 720 540 1080 minutes, sum 4170
    "hour_mean": 4170 / 6 / 60, "hour_last": 18, "weekday_mean": 20 / 6, "weekday_last": 4, "weekend_share": 2 / 6,
    "monthday_mean": 88 / 6, "monthday_last": 31,
    "return_days_30d": 1, "returned_30d": 10, "return_days_90d": 1, "return_days_365d": 2,
    "returned_365d": 12, "returned_all": 12,
    # spend by product: p1 40 + 20 + 10, p2 10 + 15, p3 5, p4 20; p4 is new in the last 90 days, p1 and p2 came again
    "products_30d": 1, "products_90d": 3, "products_365d": 4, "products_all": 4, "top_product_share": 70 / 120,
    "new_products_share_90d": 1 / 3, "repeated_products_share": 2 / 4,
    # gaps 13 59 1 215 89, sum 377; sorted 1 13 59 89 215; the silence is 1 day
    "gap_mean_days": 75.4, "gap_min_days": 1, "gap_max_days": 215, "gap_last_days": 89,
    "gap_sd_days": sqrt(29371.2 / 4),  # 74.4² + 62.4² + 16.4² + 13.6² + 139.6² = 29371.2
    # smallest gap with at least q x 5 gaps up to it: 1.25 -> second, 2.5 -> third, 3.75 -> fourth, 4.5 -> fifth
    "gap_q25_days": 13, "gap_median_days": 59, "gap_q75_days": 89, "gap_q90_days": 215,
    # newest first 89 215 1 59 13 with weights 1 .6 .36 .216 .1296
    "gap_recent_mean_days": (89 + 129 + 0.36 + 12.744 + 1.6848) / 2.3056,
    "silence_over_gap_mean": 1 / 75.4, "silence_over_gap_median": 1 / 59, "silence_over_gap_q90": 1 / 215,
    "silence_over_gap_max": 1 / 215, "silence_over_gap_last": 1 / 89,
    "silence_over_gap_recent_mean": 2.3056 / 232.7888, "silence_in_gap_sds": -74.4 / sqrt(29371.2 / 4),
    "gap_variation": sqrt(29371.2 / 4) / 75.4, "gap_last_over_mean": 89 / 75.4, "own_gaps_longer_share": 4 / 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    histories = Histories.from_frames({"purchases": pd.DataFrame(ROWS, columns=COLUMNS)})
    return FeatureSet.of(histories, H).compute(histories, [NOW]).frame.set_index("customer_id")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_customer_worked_by_hand(table: pd.DataFrame, name: str) -> None:
    assert table.loc["a", name] == pytest.approx(EXPECTED[name], rel=1e-6, abs=1e-7)


def test_spreads_of_hours_and_month_days_are_sample_deviations(table: pd.DataFrame) -> None:
    assert table.loc["a", "hour_sd"] == pytest.approx(pd.Series([600, 510, 720, 720, 540, 1080]).std() / 60, rel=1e-6)
    assert table.loc["a", "monthday_sd"] == pytest.approx(pd.Series([20, 2, 31, 1, 3, 31]).std(), rel=1e-6)


def test_who_only_returned_has_returns_and_no_purchase(table: pd.DataFrame) -> None:
    assert table.loc["b", ["return_days_90d", "returned_all"]].tolist() == [1.0, 4.0]
    assert table.loc["b", ["days_since_last_order", "spend_all", "gap_mean_days", "rhythm_survival"]].isna().all()


def test_who_begins_at_the_cutoff_is_not_there_yet(table: pd.DataFrame) -> None:
    assert sorted(table.index) == ["a", "b"]


def orders(*rows: tuple[str, str | None], columns: tuple[str, ...] = ("at", "order_id")) -> pd.Series:
    frame = pd.DataFrame(rows, columns=list(columns)).assign(customer_id="a", amount=10)
    histories = Histories.from_frames({"purchases": frame})
    return FeatureSet.of(histories, 30).compute(histories, [NOW]).frame.iloc[0]


def test_an_order_is_the_rows_of_one_order_id_also_over_midnight() -> None:
    found = orders(("2024-05-10 23:59", "x"), ("2024-05-11 00:01", "x"), ("2024-05-11 09:00", "y"))
    assert found[["orders_all", "purchase_days_all", "orders_30d", "spend_all"]].tolist() == [2, 2, 2, 30]


def test_an_order_without_an_id_is_one_moment() -> None:
    found = orders(("2024-05-10 10:00", None), ("2024-05-10 10:00", None), ("2024-05-10 10:01", None))
    assert found[["orders_all", "purchase_days_all"]].tolist() == [2, 1]
    found = orders(("2024-05-10 10:00",), ("2024-05-10 10:00",), ("2024-05-10 10:01",), columns=("at",))
    assert found["orders_all"] == 2


def test_the_same_order_id_of_two_customers_is_two_orders() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["a", "b"], "at": ["2024-05-01", "2024-05-02"], "amount": 1, "order_id": "same"}
    )
    histories = Histories.from_frames({"purchases": frame})
    assert FeatureSet.of(histories, 30).compute(histories, [NOW]).frame["orders_all"].tolist() == [1, 1]


def test_one_purchase_has_no_gap_and_no_spread() -> None:
    found = orders(("2024-05-10", "x"))
    assert (
        found[["gap_mean_days", "gap_last_days", "gap_recent_mean_days", "day_spend_sd", "own_gaps_longer_share"]]
        .isna()
        .all()
    )


def test_money_is_summed_exactly() -> None:
    frame = pd.DataFrame({"customer_id": "a", "at": "2024-05-01", "amount": [0.1] * 30 + [1e9]})
    histories = Histories.from_frames({"purchases": frame})
    with histories.connect() as connection:
        assert str(connection.sql("SELECT sum(amount) FROM purchases").fetchall()[0][0]) == "1000000003.0000"
