import pytest

from holdfast.errors import ConfigError
from holdfast.targeting.offers import Offer, require_distinct


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"contact_cost": -1.0}, "offer a: contact_cost -1.0: expected"),
        ({"incentive_cost": float("nan")}, "incentive_cost nan"),
        ({"accept_stayers": 1.2}, "accept_stayers 1.2: expected a number from 0 to 1"),
        ({"effect_assumed": 5.0}, "effect_assumed 5.0"),
        ({"effect_of": "leaver"}, "nearest: leavers"),
        ({"bond": "finacial"}, "nearest: financial"),
        ({"reasons": ("prices",)}, "nearest: price"),
        ({"capacity": -1}, "capacity -1"),
        ({"eligible": "clv >"}, "cannot be read"),
        ({"channels": ("e|mail",)}, "channels"),
    ],
)
def test_a_wrong_offer_is_refused_by_name(fields, message):
    with pytest.raises(ConfigError, match=message):
        Offer("a", **fields)


def test_two_offers_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="'a' appears twice"):
        require_distinct([Offer("a"), Offer("b"), Offer("a")])
