"""Cases: flows, decisions, tasks and clocks carry the work (办件) to whoever must act."""
