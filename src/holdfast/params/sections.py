"""The smaller sections of the config: cutoffs, tuning, checks, money, exits, offers, targeting, tools."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from holdfast.errors import ConfigError
from holdfast.params.base import Days, Money, PositiveDays, Section, Share, Word, Words
from holdfast.targeting.eligibility import parse

ExitClass = Literal["price", "product", "service", "market", "technology", "political"]


class FeaturesSection(Section):
    """Further features beside the default ones."""

    levels: bool = False


class CutoffsSection(Section):
    """Rolling origin: how many test and training cutoffs, how far apart."""

    test: Annotated[int, Field(ge=1)] = 3
    every: PositiveDays = 30
    train: Annotated[int, Field(ge=1)] = 8
    spacing: Literal["horizon"] | PositiveDays = "horizon"

    def spacing_days(self, horizon: int) -> int:
        """Distance of the training cutoffs in days for a task with this horizon."""
        return horizon if self.spacing == "horizon" else self.spacing


class TuneSection(Section):
    """Trials in all, shared by the tasks, and the time limit; no trial: the defaults."""

    trials: Annotated[int, Field(ge=0)] = 20
    timeout_s: Annotated[float, Field(gt=0)] = 120


class ChecksSection(Section):
    """The leakage guard and the features it may let pass."""

    max_single_feature_auroc: Annotated[float, Field(gt=0.5, le=1)] = 0.9
    allow: Words = ()


class EconomicsSection(Section):
    """What a sale is worth."""

    margin: Share = 0.3
    discount_rate: Annotated[float, Field(ge=0)] = 0.10
    value_horizon: PositiveDays = 365
    currency: str = ""
    monthly_revenue: Word | None = None


class ExitsSection(Section):
    """The firm's own words for reasons, mapped onto the six classes."""

    reasons: dict[ExitClass, Words] = Field(default_factory=dict)
    not_influenceable: Words = ()

    def class_of(self) -> dict[str, str]:
        """Stated reason → class."""
        return {word: name for name, words in self.reasons.items() for word in words}

    @model_validator(mode="after")
    def _one_class_each(self) -> "ExitsSection":
        seen: dict[str, str] = {}
        for name, words in self.reasons.items():
            for word in words:
                if seen.setdefault(word, name) != name:
                    raise ValueError(f"each reason in one class; {word!r} stands under {seen[word]} and {name}")
        return self


class MeasureSection(Section):
    """What the firm does about a reason."""

    reason: ExitClass
    measure: Word
    owner: Word | None = None
    cost: Money = 0.0
    save_rate: Share | None = None
    start: Days = 1
    due: PositiveDays = 14


class AcceptRate(Section):
    """Share who redeem the incentive; of whom nothing is said, the same share, and without any word all."""

    stayers: Share = 1.0
    leavers: Share = 1.0

    @model_validator(mode="before")
    @classmethod
    def _same_for_both(cls, content: Any) -> Any:
        if isinstance(content, Mapping) and len(content) == 1 and set(content) < {"stayers", "leavers"}:
            return dict.fromkeys(("stayers", "leavers"), next(iter(content.values())))
        return content


class EffectSection(Section):
    """Assumed effect: a share of the would-be leavers, or points among all contacted."""

    assumed: Share
    of: Literal["leavers", "contacted"] = "leavers"


def _both(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"stayers": value, "leavers": value} if number else value


class OfferSection(Section):
    """One offer."""

    name: Word
    bond: Literal["financial", "social", "structural"] = "financial"
    programme: Word | None = None
    reasons: tuple[ExitClass, ...] = ()
    contact_cost: Money = 0.0
    incentive_cost: Money = 0.0
    accept_rate: Annotated[AcceptRate, BeforeValidator(_both)] = AcceptRate()
    effect: EffectSection
    channels: Words = ("email",)
    capacity: Annotated[int, Field(ge=0)] | None = None
    eligible: Word | None = None

    @field_validator("eligible")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse(text, "offer")
            except ConfigError as error:
                raise ValueError(f'a condition such as "clv > 50" ({error})') from error
        return text


class ContactCap(Section):
    """At most `max` contacts in the `per` last days."""

    per: PositiveDays = 30
    max: Annotated[int, Field(ge=0)] = 1


class TargetingSection(Section):
    """Budget and the rules of the list."""

    budget: Annotated[float, Field(ge=0, le=1e12)] = 1000.0
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    contact_cap: ContactCap = ContactCap()
    gate_by_indicated: bool = False
    global_holdout: Annotated[float, Field(gt=0, le=0.5)] | None = None


class PrivacySection(Section):
    """Pseudonyms."""

    pseudonymise: bool = False
    key_env: Word = "HOLDFAST_KEY"


class TrackingSection(Section):
    """Where MLflow writes."""

    uri: Word = "sqlite:///mlflow.db"
    experiment: Word = "holdfast"


class SparkSection(Section):
    """Settings of the optional engine."""

    master: Word = "local[2]"
    conf: dict[str, Word] = Field(default_factory=dict)
