"""Mergeable statistics of a span's rows, of the whole and of every slice, for drift.

``grid``, ``categories``: counts of a feature's values, comparable between any two spans.
``population``: those of every feature and slice, as the judging code sees them.
"""
