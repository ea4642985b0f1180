import pytest

from holdfast.learners.blend import BlendClassifier
from holdfast.learners.capacity import DEFAULT, STIFF, SUPPLE, settings_of


@pytest.mark.parametrize("n_rows", [10, 900, 5_000, 80_000])
@pytest.mark.parametrize("step", [STIFF, DEFAULT, *SUPPLE])
def test_every_step_is_a_setting_of_the_blend(step: str, n_rows: int) -> None:
    found = settings_of(step, n_rows)
    assert set(found) <= set(BlendClassifier().get_params())
    assert found.get("min_child_weight", 1) > 0


def test_the_default_is_the_recipe() -> None:
    assert settings_of(DEFAULT, 5_000) == {}


def test_each_step_up_leaves_smaller_leaves_and_a_freer_logit() -> None:
    leaves = [settings_of(step, 20_000)["min_child_weight"] for step in SUPPLE]
    logits = [settings_of(step, 20_000)["C"] for step in (STIFF, *SUPPLE)]
    assert leaves == sorted(leaves, reverse=True)
    assert logits == sorted(logits)
