"""The `tasks` section: what is asked. One model for each kind of question."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from holdfast.errors import ConfigError
from holdfast.params.base import Days, PositiveDays, Section, Word, Words
from holdfast.windows import Span, parse_days

_LOOKBACK = 120


_SPANS = ("lookback", "lead", "horizon")


def _field_default(section: type[Section], name: str) -> Any:
    return section.model_fields[name].default


class _Timed(Section):
    """A question about a window after a cutoff."""

    lookback: Days = _LOOKBACK
    lead: Days = 0
    horizon: PositiveDays = 60

    @property
    def span(self) -> Span:
        """Lookback, lead and horizon in days."""
        return Span(self.lookback, self.lead, self.horizon)

    @property
    def table(self) -> str:
        """The table that the label reads."""
        return "purchases"


class SilenceTask(_Timed):
    """Label 1: no sign of life in the window."""

    kind: Literal["silence"]
    lookback: PositiveDays = _LOOKBACK


class LapseTask(_Timed):
    """Label 1: silent for longer than `factor` times the own rhythm, at least `floor`, at most `cap`."""

    kind: Literal["lapse"]
    lookback: PositiveDays = 365
    factor: Annotated[float, Field(gt=0)] = 3.0
    floor: PositiveDays = 30
    cap: PositiveDays = 365

    @model_validator(mode="before")
    @classmethod
    def _reachable_default(cls, content: Any) -> Any:
        """Without a word about it the cap is a year, or the longest silence that the windows can show."""
        if not isinstance(content, Mapping) or "cap" in content:
            return content
        try:
            spans = [parse_days(content.get(name, _field_default(cls, name))) for name in _SPANS]
        except (ConfigError, TypeError):
            return content  # the field's own check says what is wrong
        return {**content, "cap": max(min(_field_default(cls, "cap"), sum(spans) - 1), 1)}

    @model_validator(mode="after")
    def _ordered(self) -> "LapseTask":
        if self.cap < self.floor:
            raise ValueError(f"a cap that is not below the floor ({self.floor}d)")
        longest = self.lookback + self.lead + self.horizon
        if self.cap >= longest:
            raise ValueError(
                f"a cap below lookback + lead + horizon ({longest}d): nobody in the cohort can be silent for longer"
            )
        return self


class ContractEndTask(_Timed):
    """Label 1: the contract ended in the window, for a reason that is not in `not_churn`.

    Ends for a reason in `involuntary` (a failed payment) are churn too, told apart in the survival curves.
    """

    kind: Literal["contract_end"]
    lookback: Days = 0
    horizon: PositiveDays = 30
    not_churn: Words = ()
    involuntary: Words = ()

    @model_validator(mode="after")
    def _apart(self) -> "ContractEndTask":
        both = sorted(set(self.not_churn) & set(self.involuntary))
        if both:
            raise ValueError(f"each reason in one list; {both[0]!r} stands under not_churn and involuntary")
        return self

    @property
    def table(self) -> str:
        """The table that the label reads."""
        return "contracts"


class DeclineTask(_Timed):
    """Label 1: spend falls below `share` of its own past level."""

    kind: Literal["decline"]
    lookback: PositiveDays = 180
    horizon: PositiveDays = 90
    share: Annotated[float, Field(gt=0, le=1)] = 0.5


class GivenTask(Section):
    """The label stands in a column of `customers`."""

    kind: Literal["given"]
    label: Word
    positive: Word
    snapshot_at: Word | None = None

    @property
    def snapshot_date(self) -> date | None:
        """The date in `snapshot_at`; None when it names a column, or nothing."""
        try:
            return date.fromisoformat(self.snapshot_at or "")
        except ValueError:
            return None

    @property
    def snapshot_column(self) -> str | None:
        """The source column that `snapshot_at` names; None when it is a date, or nothing."""
        return None if self.snapshot_date else self.snapshot_at

    @property
    def span(self) -> None:
        """A snapshot has no windows."""
        return None

    @property
    def table(self) -> str:
        """The table that the label reads."""
        return "customers"


class RepeatTask(_Timed):
    """Loyalty: a sign of life in at least `min_active_periods` of the horizon's periods."""

    kind: Literal["repeat"]
    min_active_periods: Annotated[int, Field(ge=1)] = 2
    period: PositiveDays = 30

    @property
    def periods(self) -> int:
        """Whole periods in the horizon."""
        return self.horizon // self.period

    @model_validator(mode="after")
    def _possible(self) -> "RepeatTask":
        if self.min_active_periods > self.periods:
            raise ValueError(
                f"min_active_periods of at most {self.periods}: a horizon of {self.horizon}d holds {self.periods} "
                f"periods of {self.period}d"
            )
        return self


ChurnTask = Annotated[SilenceTask | LapseTask | ContractEndTask | DeclineTask | GivenTask, Field(discriminator="kind")]


class Tasks(Section):
    """The two questions."""

    churn: ChurnTask | None = None
    loyalty: RepeatTask | None = None

    @model_validator(mode="before")
    @classmethod
    def _same_lookback(cls, content: Any) -> Any:
        """Loyalty looks back as far as churn does, unless it says otherwise."""
        if not isinstance(content, Mapping):
            return content
        churn, loyalty = content.get("churn"), content.get("loyalty")
        if not isinstance(loyalty, Mapping) or loyalty.get("kind") != "repeat" or "lookback" in loyalty:
            return content
        lookback = churn.get("lookback") if isinstance(churn, Mapping) else None
        return {**content, "loyalty": {**loyalty, "lookback": lookback or f"{_LOOKBACK}d"}}
