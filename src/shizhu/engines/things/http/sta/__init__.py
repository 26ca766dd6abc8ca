"""OGC SensorThings API 1.1 (18-088) over HTTP: bare ASGI, PostgreSQL builds the JSON."""
