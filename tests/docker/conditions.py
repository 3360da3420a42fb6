"""Trigger conditions: CEL over an ExecutorInput, whose fields are the expression's variables."""

from __future__ import annotations

from typing import Any

import celpy
from celpy import celtypes
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb


class ConditionError(RuntimeError):
    """The backend cannot tell whether a task should run; the run fails."""


def holds(condition: str, executor_input: pb.ExecutorInput) -> bool:
    """Whether ``condition`` is true; an unknown key and a result that is no bool are errors.

    Every number is a double. Unlike cel-go of today, and like that of older backends, a double
    does not compare with an int literal: a spec has to write ``1.0``.
    """
    fields = json_format.MessageToDict(executor_input, preserving_proto_field_name=True)
    fields = {"inputs": {}, "outputs": {}, **fields}
    environment = celpy.Environment()
    try:
        program = environment.program(environment.compile(condition))
        result = program.evaluate({name: _cel(value) for name, value in fields.items()})
    except (celpy.CELParseError, celpy.CELEvalError) as error:
        raise ConditionError(f"{condition}: {error.args[0]}") from error
    if not isinstance(result, celtypes.BoolType):
        raise ConditionError(f"{condition}: gives {result!r}, not a bool")
    return bool(result)


def _cel(value: Any) -> Any:
    if isinstance(value, dict):
        return celtypes.MapType({celtypes.StringType(k): _cel(v) for k, v in value.items()})
    if isinstance(value, list):
        return celtypes.ListType([_cel(item) for item in value])
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return celtypes.DoubleType(value)
    return celpy.json_to_cel(value)
