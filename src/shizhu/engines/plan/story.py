"""The story of a clause: what happened to it, its pieces and nodes, written in the transaction that makes it so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from shizhu.engines.plan.models import Clause, Node, Piece, Step
from shizhu.kernel.models import Person


def tell(
    about: Clause | Piece | Node,
    kind: str,
    by: Person | None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Step:
    """Write one line, for ever."""
    node = about if isinstance(about, Node) else None
    piece = node.piece if node else about if isinstance(about, Piece) else None
    clause = piece.clause if piece else about
    assert isinstance(clause, Clause)
    return Step.objects.create(
        clause=clause, piece=piece, node=node, at=at or timezone.now(), kind=kind, person=by, data=data or {}
    )
