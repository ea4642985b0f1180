import pandas as pd

from holdfast.targeting.offers import Offer
from holdfast.targeting.reasons import best_reason, gate_note, reason_fits


def people(**columns):
    frame = pd.DataFrame(columns)
    for name in ("stated", "predicted", "indicated"):
        if f"reason_{name}" not in frame:
            frame[f"reason_{name}"] = None
    return frame.assign(reason_predicted_prob=0.6, reason_indicated_strength=0.4)


THREE = people(
    reason_stated=["price", None, "", None],
    reason_predicted=["service", "product", "unknown", None],
    reason_indicated=["technology", "price", "price", None],
)


def test_the_best_supported_reason_wins():
    assert best_reason(THREE).fillna(-1).values.tolist() == [
        ["price", "stated", 1.0],
        ["product", "predicted", 0.6],
        ["price", "indicated", 0.4],
        ["unknown", "none", -1],
    ]


def test_reasons_gate_offers_and_indicated_ones_only_when_allowed():
    offers = [Offer("voucher", reasons=("price",)), Offer("call")]
    best = best_reason(THREE)
    assert reason_fits(best, offers, False).tolist() == [[True, True], [False, True], [False, True], [False, True]]
    assert reason_fits(best, offers, True)[:, 0].tolist() == [True, False, True, False]


def test_the_note_names_the_setting_that_opens_gated_offers():
    indicated = best_reason(people(reason_indicated=["price", None]))
    note = gate_note(indicated, [Offer("voucher", reasons=("price",)), Offer("call")], False)
    assert note is not None
    assert "voucher" in note
    assert "gate_by_indicated: true" in note
    assert "call" not in note
    assert gate_note(indicated, [Offer("voucher", reasons=("price",))], True) is None
    nothing = gate_note(best_reason(people(reason_stated=[None])), [Offer("voucher", reasons=("price",))], True)
    assert nothing is not None
    assert "exits table" in nothing
    assert gate_note(indicated, [Offer("call")], False) is None
