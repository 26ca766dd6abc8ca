"""Pages and the addresses that operators call."""
