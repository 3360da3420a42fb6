"""Which detectors are on, and their parameters."""

from __future__ import annotations

from ....beam_jobs.parameters import Parameters
from .adwin import Adwin
from .change_point import ChangePoint
from .correlations import Correlations
from .ddm import Ddm
from .domain_classifier import DomainClassifier
from .kswin import Kswin
from .page_hinkley import PageHinkley


class DetectorsConfig(Parameters):
    """Each detector's parameters; None turns it off, ``{}`` turns it on as it is.

    River's four are off: they take errors for independent of each other and cannot tell the
    chance of a false alarm, so that ``alpha`` would not hold for the report.
    """

    correlations: Correlations | None = Correlations()
    domain_classifier: DomainClassifier | None = DomainClassifier()
    change_point: ChangePoint | None = ChangePoint()
    adwin: Adwin | None = None
    page_hinkley: PageHinkley | None = None
    ddm: Ddm | None = None
    kswin: Kswin | None = None
