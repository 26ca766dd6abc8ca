"""Simulated data of the pack: invented, and marked so wherever it is shown."""
