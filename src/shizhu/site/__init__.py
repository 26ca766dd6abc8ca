"""Settings, urls, asgi, workers, the `shizhu` command, the supervisor: the only room that sees everything."""

HELD = "SHIZHU_HELD"  # in the environment of a process that the supervisor starts early and lets go later
