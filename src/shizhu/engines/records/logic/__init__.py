"""Pure parts: a register as read, its values and their rules, masking, CQL2."""
