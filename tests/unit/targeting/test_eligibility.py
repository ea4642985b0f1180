import pandas as pd
import pytest

from holdfast.errors import ConfigError
from holdfast.targeting.eligibility import eligible

FRAME = pd.DataFrame(
    {
        "clv": [10.0, 60.0, None],
        "p_churn": [0.1, 0.5, 0.9],
        "owner": ["anna", "ben", None],
        "open_complaint": [True, False, None],
        "last_contact_at": pd.to_datetime(["2024-01-05", "2024-03-01", None]),
        "never_measured": [None, None, None],
    }
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("clv > 50", [False, True, False]),
        ("not (clv > 50)", [True, False, False]),  # what is not measured is neither above nor not above
        ("clv > 50 or p_churn > 0.8", [False, True, True]),
        ("5 < clv <= 10", [True, False, False]),
        ("p_churn * clv >= 30", [False, True, False]),
        ("p_churn > -clv / 20", [True, True, False]),
        ("owner == 'anna'", [True, False, False]),
        ("owner in ('anna', 'carl')", [True, False, False]),
        ("owner not in ['anna']", [False, True, False]),
        ("not open_complaint", [False, True, False]),
        ("open_complaint and clv < 20", [True, False, False]),
        ("last_contact_at < '2024-02-01'", [True, False, False]),
        ("never_measured > 3", [False, False, False]),
        ("True", [True, True, True]),
    ],
)
def test_conditions(text, answer):
    assert eligible(text, FRAME).tolist() == answer


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "clv.sum() > 1",
        "clv[0] > 1",
        "(lambda: 1)()",
        "[c for c in clv]",
        "clv ** 9999999",
        "f'{clv}' == ''",
        "clv > 5 if clv else 3",
        "clv >",
        "",
        "clv := 3",
        "b'x' == owner",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigError, match="offer a"):
        eligible(text, FRAME, "offer a")


def test_an_unknown_column_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'clw'.*nearest: clv"):
        eligible("clw > 5", FRAME)


@pytest.mark.parametrize("text", ["owner > 5", "clv", "clv and owner", "'a' > 3", "clv in 5", "1 / 0 > clv"])
def test_what_is_no_condition_is_refused_in_one_line(text):
    with pytest.raises(ConfigError):
        eligible(text, FRAME)
