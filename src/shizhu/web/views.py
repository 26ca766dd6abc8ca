"""Password, home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from shizhu.kernel import signin
from shizhu.kernel.models import Person
from shizhu.web import login, recent, sessions
from shizhu.web.middleware import Request


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the home page; `level` none, green, yellow or red."""

    value: int
    name: str
    url: str
    level: str = "none"


@dataclass(frozen=True)
class Card:
    """A card of the home page: engines add theirs."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    is_wide: bool = False  # over the whole width
    order: int | None = None  # another place than the one it was added with
    tiles: tuple[Tile, ...] = ()  # its figures for the top of the page


Maker = Callable[[Request], Card | None]
_cards: list[tuple[int, Maker]] = []


def add_card(maker: Maker, order: int = 50) -> None:
    """Add a card to the home page; `maker` gives None where it does not concern the person."""
    _cards.append((order, maker))


def password(request: Request) -> HttpResponse:
    """Change one's own password."""
    if not request.user.is_authenticated:
        return redirect("login")
    is_first = request.user.must_change_password or not request.user.has_usable_password()
    asked = SetPasswordForm if is_first else PasswordChangeForm  # a screen left alone is not enough
    counted = login.counted_inside(request, request.user, "password")
    until = signin.waits_until(counted) if request.method == "POST" else None
    form: SetPasswordForm[Person] = asked(request.user, None if until else request.POST or None)
    if until:
        messages.error(request, login.waits(until))
    elif request.method == "POST" and form.is_valid():
        signin.passed(counted)
        form.save()
        request.user.must_change_password = False
        request.user.save(update_fields=["must_change_password"])
        update_session_auth_hash(request, request.user)
        sessions.end(request.user.pk, but=request.session.session_key)
        messages.success(request, _("Password changed."))
        return redirect(reverse("home"))
    elif "old_password" in form.errors:
        signin.failed(counted)
    page = {"form": form, "least": settings.CONFIG.password_length}
    return render(request, "shizhu/password.html", page, status=429 if until else 200)


def home(request: Request) -> HttpResponse:
    """My work: what waits for me, what is wrong, how my indicators stand, what I opened last."""
    made = [(order, card) for order, make in _cards if (card := make(request))]
    cards = [card for order, card in sorted(made, key=lambda one: one[0] if one[1].order is None else one[1].order)]
    icons = [(entry.url, entry.icon) for entry in request.menu if entry.url != "/"]
    context = {
        "cards": cards,
        "tiles": [tile for card in cards for tile in card.tiles],
        "recent": recent.shown(request, request.actor, icons)[:6],
        "now": timezone.localtime(),
        "is_first": not request.user.preferences.get("tour"),
    }
    return render(request, "shizhu/home.html", context)


def help_page(request: Request) -> HttpResponse:
    """GET /help: how the pages are used, in the language in force."""
    language = "en" if get_language() == "en" else "zh"
    return render(request, "shizhu/help.html", {"text": f"shizhu/help_{language}.html"})
