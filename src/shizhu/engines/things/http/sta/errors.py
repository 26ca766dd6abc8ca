"""What a request is refused with."""

from __future__ import annotations

from http import HTTPStatus


class Refused(Exception):
    """A request that cannot be answered.

    `position` counts characters from the start of the decoded query option (or of the path) that the message names.
    """

    def __init__(self, status: HTTPStatus, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.position = status, message, position

    def body(self) -> dict[str, object]:
        """As it is told: `type` is the status by name."""
        return {
            "code": int(self.status), "type": self.status.name.lower(), "message": self.message,
            "position": self.position,
        }  # fmt: skip


def bad(message: str, position: int | None = None) -> Refused:
    """400: the request is wrong."""
    return Refused(HTTPStatus.BAD_REQUEST, message, position)


def missing(message: str, position: int | None = None) -> Refused:
    """404: there is no such resource (or the asker may not see it)."""
    return Refused(HTTPStatus.NOT_FOUND, message, position)


def forbidden(message: str) -> Refused:
    """403: the right is missing."""
    return Refused(HTTPStatus.FORBIDDEN, message)


def later(message: str, position: int | None = None) -> Refused:
    """501: of the standard, and not done here yet."""
    return Refused(HTTPStatus.NOT_IMPLEMENTED, message, position)
