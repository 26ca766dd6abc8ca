"""Migrations of the records engine."""
