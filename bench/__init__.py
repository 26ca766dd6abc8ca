"""Benches: how fast, each figure beside a limit measured in the same run. Run by `make bench`."""
