"""Work on many rows that a worker does: importing, exporting, changing."""
