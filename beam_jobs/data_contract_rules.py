"""A data contract's rules: out of a TFDV schema (``tensorflow_metadata.v0.Schema``) and fields."""

from __future__ import annotations

import math
from typing import Any

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from .data_contract import DataContract, FieldRule, Kind
from .ingest_config import RESERVED

_KINDS: dict[int, Kind] = {
    schema_pb2.INT: "int",
    schema_pb2.FLOAT: "float",
    schema_pb2.BYTES: "string",
}
_CHECKED_STAGES = (schema_pb2.UNKNOWN_STAGE, schema_pb2.BETA, schema_pb2.PRODUCTION)


class InvalidContract(ValueError):
    """A schema that cannot be read or contradicts itself, or a rule for what is no feature."""


def rules_of(contract: DataContract) -> dict[str, FieldRule]:
    """A rule for each feature that the contract knows.

    Of a schema's feature count type, shape or number of values, presence in all examples and
    the domain of numbers, strings and booleans. Nothing is promised of a deprecated feature, nor
    of one in a stage before beta. A feature that some environment lacks, a label say, is not
    required. A domain that some values may leave (``min_domain_mass``), and one of numbers
    written as bytes, are not checked. Nested counts of values are multiplied, as LogIngest
    flattens lists. LogIngest's own columns are no features.

    Raises:
      InvalidContract: names the file and the feature.
    """
    taken = RESERVED.intersection(contract.fields)
    if taken:
        raise InvalidContract(f"contract.fields: LogIngest's own columns have no rules: {taken}")
    schema = {} if contract.schema_file is None else _schema_rules(contract.schema_file)
    return schema | contract.fields


def _schema_rules(path: str) -> dict[str, FieldRule]:
    schema = _read(path)
    if not schema.feature:
        raise InvalidContract(f"the schema {path} has no feature")
    rules, names = {}, set()
    for feature in schema.feature:
        name = feature.name
        try:
            if not name or name in names:
                raise ValueError("each feature needs a name of its own")
            names.add(name)
            if _is_checked(feature) and name not in RESERVED:
                rules[name] = _rule(feature, schema)
        except ValidationError as error:
            what = "; ".join(found["msg"] for found in error.errors())
            raise InvalidContract(f"the schema {path}, feature {name!r}: {what}") from None
        except ValueError as error:
            raise InvalidContract(f"the schema {path}, feature {name!r}: {error}") from None
    return rules


def _read(path: str) -> schema_pb2.Schema:
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as f:
            text = f.read().decode()
    except (OSError, BeamIOError, ValueError) as error:
        raise InvalidContract(f"the schema {path} cannot be read: {error}") from error
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise InvalidContract(f"{path} is no schema.pbtxt: {error}") from error


def _is_checked(feature: schema_pb2.Feature) -> bool:
    return not feature.deprecated and feature.lifecycle_stage in _CHECKED_STAGES


def _rule(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> FieldRule:
    kind = _KINDS.get(feature.type)
    everywhere = not (feature.in_environment or feature.not_in_environment)
    return FieldRule(
        kind=kind,
        required=everywhere and feature.presence.min_fraction == 1,
        **_domain(feature, schema, kind),
        **_value_count(feature),
    )


def _domain(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, kind: Kind | None
) -> dict[str, Any]:
    which = feature.WhichOneof("domain_info")
    if which is None or feature.distribution_constraints.min_domain_mass < 1:
        return {}
    domain = getattr(feature, which)
    if which == "domain":
        known = (*schema.string_domain, *schema.int_domain, *schema.float_domain)
        named = [found for found in known if found.name == domain]
        if not named:
            raise ValueError(f"there is no domain {domain!r}")
        domain = named[0]
    if isinstance(domain, schema_pb2.StringDomain):
        return {"values": list(domain.value) or None}
    if isinstance(domain, schema_pb2.BoolDomain):
        words = [domain.true_value, domain.false_value]
        return {"values": (words if all(words) else None) if kind == "string" else [0, 1]}
    if kind != "string" and isinstance(domain, schema_pb2.IntDomain | schema_pb2.FloatDomain):
        return {
            end: getattr(domain, end)
            for end in ("min", "max")
            if domain.HasField(end) and math.isfinite(getattr(domain, end))
        }
    return {}


def _value_count(feature: schema_pb2.Feature) -> dict[str, int | None]:
    which = feature.WhichOneof("shape_type")
    if which == "shape":
        sizes = [dim.size for dim in feature.shape.dim]
        if not all(size > 0 for size in sizes):
            return {}
        return dict.fromkeys(("min_values", "max_values"), math.prod(sizes))
    if which is None:
        return {}
    counts = [feature.value_count]
    if which == "value_counts":
        counts = list(feature.value_counts.value_count)
    bounded = counts and all(count.max > 0 for count in counts)
    return {
        "min_values": math.prod(count.min for count in counts) if counts else None,
        "max_values": math.prod(count.max for count in counts) if bounded else None,
    }
