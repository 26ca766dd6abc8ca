"""Pages, forms, Excel and OGC API – Features."""
