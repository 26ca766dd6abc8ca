"""Pages and standard APIs."""
