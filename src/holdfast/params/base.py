"""What all sections of the config share: strict frozen models, durations, shares."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from holdfast.errors import ConfigError
from holdfast.windows import parse_days


class Section(BaseModel):
    """A part of the config: unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _days(value: Any) -> int:
    try:
        return parse_days(value)
    except ConfigError as error:
        raise ValueError("a number of days or weeks such as 60d or 8w") from error


def _names(value: Any) -> Any:
    """One name may stand without brackets; figures are read as the text they show."""
    return [_word(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else value


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, (int, float)) else value


Days = Annotated[int, BeforeValidator(_days), PlainSerializer(lambda days: f"{days}d", return_type=str)]
"""A duration, held as whole days."""
PositiveDays = Annotated[Days, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0)]
Word = Annotated[str, BeforeValidator(_word), Field(min_length=1)]
"""A text; a bare figure is read as the text it shows."""
Words = Annotated[tuple[Word, ...], BeforeValidator(_names)]
