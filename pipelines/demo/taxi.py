"""Chicago taxi trips, 2013 to 2016: the data set that ships inside TFX.

The task: when a trip ends and before the rider pays, predict whether the tip will exceed 20 % of
the fare. ``payment_type`` and ``tips`` are known only afterwards, and only card tips are
recorded, so neither is a feature; the payment type arrives with the ground truth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import tfx

from ...beam_jobs.examples import encode_examples

FEATURES = {
    "fare": "float",
    "trip_miles": "float",
    "trip_seconds": "float",
    "pickup_latitude": "float",
    "pickup_longitude": "float",
    "dropoff_latitude": "float",
    "dropoff_longitude": "float",
    "pickup_community_area": "int",
    "dropoff_community_area": "int",
    "trip_start_hour": "int",
    "trip_start_day": "int",
    "company": "string",
}
LABEL = "big_tipper"
PAYMENT = "payment_type"
_ARROW = {"float": pa.float32(), "int": pa.int64(), "string": pa.large_binary()}
_FILE = "examples/chicago_taxi_pipeline/data/big_tipper_label/data.csv"


def trips() -> pd.DataFrame:
    """All trips in order of their end: features, label, payment type and ``end`` (UTC).

    Missing values are None, codes are ints: as a client would put them into JSON.
    """
    frame = pd.read_csv(Path(tfx.__file__).parent / _FILE)
    seconds = frame.trip_start_timestamp + frame.trip_seconds.fillna(0)
    frame["end"] = pd.to_datetime(seconds, unit="s", utc=True)
    for name, kind in FEATURES.items():
        if kind == "int":
            frame[name] = frame[name].astype("Int64")
    frame = frame[[*FEATURES, LABEL, PAYMENT, "end"]]
    return frame.sort_values("end", kind="stable").reset_index(drop=True)


def to_examples(frame: pd.DataFrame) -> list[bytes]:
    """Serialized tf.Examples of the trips: features, label and payment type."""
    types = {**FEATURES, LABEL: "float", PAYMENT: "string"}
    columns = {}
    for name, kind in types.items():
        encode = str.encode if kind == "string" else {"int": int, "float": float}[kind]
        cells = [None if pd.isna(value) else [encode(value)] for value in frame[name]]
        columns[name] = pa.array(cells, pa.large_list(_ARROW[kind]))
    return encode_examples(pa.RecordBatch.from_arrays(list(columns.values()), list(columns)))


def split_training(frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four fifths to train on, one fifth to measure what the model can do."""
    held_out = np.random.default_rng(seed).random(len(frame)) < 0.2
    return frame[~held_out], frame[held_out]
