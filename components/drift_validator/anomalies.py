"""TFDV Anomalies protos: of the schema and of drift together, stored as the stock artifact."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import quote

from tensorflow_metadata.proto.v0 import anomalies_pb2

from ...beam_jobs.slices import OVERALL

FILE_NAME = "SchemaDiff.pb"
_LONGEST_NAME = 200


def joined(found: Iterable[anomalies_pb2.Anomalies]) -> anomalies_pb2.Anomalies:
    """One Anomalies of all reasons and measurements; the first one's schema is the baseline."""
    result = anomalies_pb2.Anomalies()
    for anomalies in found:
        if not result.HasField("baseline"):
            result.baseline.CopyFrom(anomalies.baseline)
        for feature, info in anomalies.anomaly_info.items():
            whole = result.anomaly_info[feature]
            whole.path.CopyFrom(info.path)
            whole.severity = max(whole.severity, info.severity)
            whole.reason.extend(info.reason)
        if anomalies.HasField("dataset_anomaly_info"):
            result.dataset_anomaly_info.MergeFrom(anomalies.dataset_anomaly_info)
        result.drift_skew_info.extend(anomalies.drift_skew_info)
    for info in result.anomaly_info.values():
        info.description = " ".join(reason.description for reason in info.reason)
        several = len(info.reason) > 1
        info.short_description = "Multiple errors" if several else info.reason[0].short_description
    return result


def folder(slice_name: str, split: str) -> str:
    """Where in an ExampleAnomalies artifact the anomalies of a slice lie.

    The whole lies in ``Split-<split>``, as ExampleValidator leaves it; a slice in
    ``Slice-<its name, percent-encoded>/Split-<split>``.
    """
    if slice_name == OVERALL:
        return f"Split-{split}"
    encoded = quote(slice_name, safe="=")
    if len(encoded) > _LONGEST_NAME:
        digest = hashlib.sha256(slice_name.encode()).hexdigest()[:16]
        encoded = f"{encoded[:_LONGEST_NAME]}-{digest}"
    return f"Slice-{encoded}/Split-{split}"
