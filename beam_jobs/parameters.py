"""Component parameters: a pydantic model in Python, JSON in TFX's exec_properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Base of every component's parameters: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnyParameters = TypeVar("AnyParameters", bound=Parameters)


def to_json(kind: type[AnyParameters], given: AnyParameters | Mapping[str, Any] | str) -> str:
    """Validates ``given`` (model, mapping or JSON) against ``kind`` and returns its JSON.

    Raises:
      pydantic.ValidationError: names each offending key.
    """
    if isinstance(given, str):
        given = kind.model_validate_json(given)
    return kind.model_validate(given).model_dump_json()
