"""Detectors of what no single feature's distribution tells; one method a file.

``CORRELATION``, ``CLASSIFIER`` and ``STREAMS`` are their names in reports.
"""

from .adwin import Adwin
from .change_point import ChangePoint
from .config import DetectorsConfig
from .contract import ErrorStream, Measured, Rows
from .correlations import Correlations
from .ddm import Ddm
from .domain_classifier import DomainClassifier
from .kswin import Kswin
from .page_hinkley import PageHinkley
from .run import run

CORRELATION = Correlations.name
CLASSIFIER = DomainClassifier.name
STREAMS = tuple(kind.name for kind in (ChangePoint, Adwin, PageHinkley, Ddm, Kswin))

__all__ = [
    "CLASSIFIER",
    "CORRELATION",
    "STREAMS",
    "DetectorsConfig",
    "ErrorStream",
    "Measured",
    "Rows",
    "run",
]
