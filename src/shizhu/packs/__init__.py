"""One folder per domain, mostly declarations."""
