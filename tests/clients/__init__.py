"""Programs of others against a running stack, each in an environment of its own: `make clients`."""
