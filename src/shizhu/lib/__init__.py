"""Pure Python, no Django, no I/O: units, geometry, calendars, expressions, national rules."""
