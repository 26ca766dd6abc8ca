"""Password, home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from shizhu.kernel.models import Person
from shizhu.web.middleware import Request


@dataclass(frozen=True)
class Card:
    """A card of the home page: engines add theirs."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    is_wide: bool = False  # over the whole width


Maker = Callable[[Request], Card | None]
_cards: list[tuple[int, Maker]] = []


def add_card(maker: Maker, order: int = 50) -> None:
    """Add a card to the home page; `maker` gives None where it does not concern the person."""
    _cards.append((order, maker))


def password(request: Request) -> HttpResponse:
    """Change one's own password."""
    if not request.user.is_authenticated:
        return redirect("login")
    form: SetPasswordForm[Person] = SetPasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        request.user.must_change_password = False
        request.user.save(update_fields=["must_change_password"])
        update_session_auth_hash(request, request.user)
        messages.success(request, _("Password changed."))
        return redirect(reverse("home"))
    return render(request, "shizhu/password.html", {"form": form, "least": settings.CONFIG.password_length})


def home(request: Request) -> HttpResponse:
    """My work: what waits for me, what is wrong, how my indicators stand."""
    cards = [card for _order, make in sorted(_cards, key=lambda pair: pair[0]) if (card := make(request))]
    return render(request, "shizhu/home.html", {"cards": cards})
