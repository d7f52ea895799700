"""What all models of the file's shape have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from daybreak.config.scalars import Text

UTC_ZONE = ZoneInfo("UTC")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Spec(BaseModel):
    """Base of all: unknown keys and values of another type are errors."""

    # Each key's docstring is its description for editors (daybreak.config.schema): pydantic's own way to collect them
    # reads the source at every import.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _days(value: Any) -> Any:
    if value == "daily":
        return list(DAYS)
    if value == "weekdays":
        return list(DAYS[:5])
    if isinstance(value, list):
        return value
    raise ValueError("must be daily, weekdays or a list of mon .. sun")


OneOrMore = Annotated[list[Text], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
DaysField = Annotated[
    list[Day],
    Field(min_length=1),
    BeforeValidator(_days, json_schema_input_type=Literal["daily", "weekdays"] | list[Day]),
]
