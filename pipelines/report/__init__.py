"""The HTML report of a history: one file that needs no network to be read."""

from .page import write_report_page

__all__ = ["write_report_page"]
