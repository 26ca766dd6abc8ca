"""Simulated field devices: each speaks its real protocol over a real connection, with faults on demand."""
