"""Call what uses Django's database from asynchronous code, outside a request."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

Given = ParamSpec("Given")
Result = TypeVar("Result")


def in_thread(function: Callable[Given, Result]) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """The function as a coroutine; its connection goes back to the pool, which checks it before the next use.

    Django does this around every request. Without it a connection that PostgreSQL dropped would be kept for ever.
    """

    def run(*arguments: Given.args, **named: Given.kwargs) -> Result:
        close_old_connections()
        try:
            return function(*arguments, **named)
        finally:
            close_old_connections()

    return sync_to_async(run)
