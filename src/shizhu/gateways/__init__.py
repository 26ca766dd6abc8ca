"""Network listeners and pollers: a wire codec on one side, the event log on the other."""
