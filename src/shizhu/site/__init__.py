"""Settings, urls, asgi, workers, the `shizhu` command, the supervisor: the only room that sees everything."""
