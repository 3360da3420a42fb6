"""The formats of serving logs; one format a file, all under the contract of ``LogFormat``."""

from .contract import LogFormat
from .kserve import KServe
from .mapped_records import MappedRecords
from .open_inference import OpenInference
from .prediction_log import PredictionLogs
from .sagemaker import SageMaker
from .vertex_ai import VertexAI

FORMATS: dict[str, type[LogFormat]] = {
    "kserve": KServe,
    "open_inference": OpenInference,
    "prediction_log": PredictionLogs,
    "vertex_ai": VertexAI,
    "sagemaker": SageMaker,
    "json_lines": MappedRecords,
    "csv": MappedRecords,
    "parquet": MappedRecords,
    "avro": MappedRecords,
}
"""By the names in ``ingest_config.Format``."""

__all__ = ["FORMATS", "LogFormat"]
