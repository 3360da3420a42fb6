"""Finds undeclared personal data inside text; one file a kind of identifier."""

from .kind import Span
from .scanner import IdentifierScanner

__all__ = ["IdentifierScanner", "Span"]
