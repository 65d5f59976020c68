"""Any application over real HTTP, in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn

from cli.serve import listen


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of ``app``."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with listen("127.0.0.1", 0) as listening:
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
