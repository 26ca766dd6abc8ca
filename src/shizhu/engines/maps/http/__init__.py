"""Pages and GeoJSON."""
