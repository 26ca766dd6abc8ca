"""Pure parts: conditions and the judgement of one series."""
