"""What `init` makes of amounts that are text and of ids without a telling name, and that a run reads the same."""

import pandas as pd
import pytest

from holdfast.errors import HoldfastError
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.params import load_config
from holdfast.params.guess import write_guess

DAYS = pd.date_range("2023-01-01", "2024-02-01", freq="1D")


def shop(amounts: list[str], customer: str = "customer", **more) -> pd.DataFrame:
    """A purchase on every day by seventeen customers in turn, with these amounts in turn."""
    n = len(DAYS)
    return pd.DataFrame({
        customer: [f"c{i % 17}" for i in range(n)], "day": DAYS.strftime("%Y-%m-%d"),
        "amount": [amounts[i % len(amounts)] for i in range(n)], **more,
    })  # fmt: skip


def guessed(tmp_path, frame: pd.DataFrame):
    """The guess, its columns of purchases, and the amounts that a run reads with them."""
    frame.to_csv(tmp_path / "sales.csv", index=False)
    guess = write_guess([str(tmp_path / "sales.csv")], tmp_path / "holdfast.yaml")
    config = load_config(tmp_path / "holdfast.yaml")
    ingest(config.build_source(), tmp_path / "out", span=config.span)
    read = Histories.open(tmp_path / "out").frame("purchases")
    return guess, config.source.tables["purchases"].columns, read


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["1.234,50 EUR", "99,00 EUR", "-5,00 EUR", "7 EUR"], [1234.5, 99.0, -5.0, 7.0]),
        (["$1,234.50", "$13.46", "-$5.00", "$7"], [1234.5, 13.46, -5.0, 7.0]),
        (["1 234,50 €", "13,46 €"], [1234.5, 13.46]),
        (["12,50", "3,75", "1.000,00"], [12.5, 3.75, 1000.0]),
        (["GBP 12.50", "GBP 1,000,000.25"], [12.5, 1000000.25]),
        (["£5", "£7.5"], [5.0, 7.5]),
        (["EUR -2,50", "EUR +2,50"], [-2.5, 2.5]),
    ],
)
def test_amounts_that_are_text_are_read_as_money(tmp_path, cells, amounts) -> None:
    guess, columns, read = guessed(tmp_path, shop(cells))
    expected = [amounts[i % len(amounts)] for i in range(len(DAYS))]
    assert read.sort_values("at")["amount"].astype(float).tolist() == pytest.approx(expected)
    assert columns["amount"] != "amount", "an expression, not the bare text"
    assert f"amount is text such as '{min(cells)}'" in guess.text, "whoever reads the config sees what was assumed"


def test_plain_numbers_need_no_expression(tmp_path) -> None:
    _, columns, read = guessed(tmp_path, shop(["5.5", "7"]))
    assert columns["amount"] == "amount"
    assert set(read["amount"].astype(float)) == {5.5, 7.0}


def test_a_price_that_is_text_is_multiplied_by_the_quantity(tmp_path) -> None:
    frame = shop(["2,50 €", "4,00 €"]).rename(columns={"amount": "unit_price"}).assign(quantity=3)
    _, _, read = guessed(tmp_path, frame)
    assert set(read["amount"].astype(float)) == {7.5, 12.0}


@pytest.mark.parametrize("cells", [["5 EUR", "about 7"], ["12,50 EUR", "13.50 EUR"], ["1,2,3", "4,5,6"]])
def test_text_that_is_no_money_in_one_style_is_no_amount(tmp_path, cells) -> None:
    shop(cells).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(HoldfastError, match=r"sales\.csv"):
        write_guess([str(tmp_path / "sales.csv")], tmp_path / "holdfast.yaml")


@pytest.mark.parametrize("name", ["id", "ID", "Id"])
def test_a_plain_id_that_repeats_names_the_customer(tmp_path, name) -> None:
    _, columns, read = guessed(tmp_path, shop(["5", "7"], customer=name))
    assert columns["customer_id"] == name
    assert read["customer_id"].nunique() == 17


def test_a_plain_id_gives_way_to_a_better_name(tmp_path) -> None:
    frame = shop(["5", "7"], customer="client")
    frame.insert(0, "id", [f"r{i // 2}" for i in range(len(frame))])  # repeats as well, but `client` says whose it is
    _, columns, read = guessed(tmp_path, frame)
    assert columns["customer_id"] == "client"
    assert read["customer_id"].nunique() == 17


def test_a_plain_id_that_differs_from_row_to_row_names_nobody(tmp_path) -> None:
    frame = shop(["5", "7"]).drop(columns="customer")
    frame.insert(0, "id", range(len(frame)))
    frame.to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(HoldfastError, match="no column names the customer"):
        write_guess([str(tmp_path / "sales.csv")], tmp_path / "holdfast.yaml")
