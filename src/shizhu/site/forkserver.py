"""A process that has imported everything, and forks one for each command of `shizhu` it is asked for.

So a start costs one import, a role that died is back at once, and what nobody writes to is in memory once. The
supervisor holds the other end of the socket that is our standard input: a message is a name and the words of a command,
with the descriptor that its output goes to. The first line there is its process id: it is no child of ours, but of the
supervisor, which waits for it.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from pathlib import Path

from shizhu.web import translations

MOST = 4096  # bytes of a message


def serve() -> list[str]:
    """Fork for each message; returns in what was forked, with its words, and here without any when nobody asks more."""
    asked = socket.socket(fileno=0)
    while True:
        message, descriptors, *_ = socket.recv_fds(asked, MOST, 1)
        if not message:
            return []
        if not os.fork():
            if os.fork():
                os._exit(0)
            told: list[str] = json.loads(message)
            asked.detach()
            _become(told[0], descriptors[0])
            return told[1:]
        os.wait()
        os.close(descriptors[0])


def _become(name: str, output: int) -> None:
    """Be a process of its own: a session, a name, no input, its output."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ["SHIZHU_ROLE"] = name
    Path("/proc/self/comm").write_text(f"shizhu-{name}")  # what `ps -e` and `top` show
    gc.enable()
    print(os.getpid(), flush=True)


def main() -> int:
    """Import, then serve."""
    gc.disable()  # it would leave holes in pages that are to stay shared
    translations.compile_all()  # what is imported now reads them, and whoever is forked speaks as they stood then
    from shizhu.site import asgi, cli, demo, preparation, roles, urls  # noqa: F401, PLC0415
    from shizhu.site.commands import prepare, run  # noqa: F401, PLC0415

    gc.freeze()
    words = serve()
    if words:
        cli.leave(cli.main(words))
    return 0


if __name__ == "__main__":
    sys.exit(main())
