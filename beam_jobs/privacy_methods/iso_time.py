"""Dates and times in text."""

from __future__ import annotations

import re

ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d(?:[.,]\d+)?)? ?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
"""ISO 8601, extended format: the date, hours and minutes, and the offset from UTC."""
