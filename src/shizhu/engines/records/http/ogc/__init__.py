"""OGC API: Features part 1 to 4, schemas (part 5) and Records, over every collection."""
