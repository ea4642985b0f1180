import pytest

from holdfast.errors import ConfigError
from holdfast.targeting.policy import Policy


@pytest.mark.parametrize(
    "fields",
    [{"budget": -1.0}, {"budget": float("nan")}, {"holdout": 0.6}, {"power": 1.0}, {"margin": -1.0},
     {"contact_cap_max": -1}, {"global_holdout": 0.9}],
)  # fmt: skip
def test_a_wrong_policy_is_refused(fields):
    with pytest.raises(ConfigError, match=f"targeting: {next(iter(fields))}"):
        Policy(**fields)


def test_no_budget_is_no_limit():
    assert Policy().budget is None
    assert Policy(budget=0.0).budget == 0.0
