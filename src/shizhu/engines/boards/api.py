"""The door of the boards engine: nothing is above it but the site."""

from __future__ import annotations

from shizhu.engines.boards.boards import Board, NoBoard, board, boards, fields
from shizhu.engines.boards.panels import forget

__all__ = ["Board", "NoBoard", "board", "boards", "fields", "forget"]
