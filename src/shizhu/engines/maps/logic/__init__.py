"""Pure parts of the maps engine."""
