"""Shizhu (石柱): the software a county runs its digital services on. Sense, judge, act, account."""

__version__ = "0.1.0"
