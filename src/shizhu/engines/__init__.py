"""One folder per engine; each is entered only by its `api` module."""
