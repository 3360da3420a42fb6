"""Finds the slices on which a model is worse than elsewhere, without being told where to look."""

from .config import SliceSearchConfig

__all__ = ["SliceSearchConfig"]
