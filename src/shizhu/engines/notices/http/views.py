"""Pages: what I was told, how I wish to be told, the channels of the county; and where operators report."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import orjson
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shizhu.engines.notices import calling, telling
from shizhu.engines.notices.logic import signing
from shizhu.engines.notices.models import Channel, Delivery, Kind, Message, State, Wish
from shizhu.kernel import access
from shizhu.lib.numbers import whole
from shizhu.web import bodies
from shizhu.web.middleware import Request
from shizhu.web.views import Card

MANAGE = "notices.channel.manage"
SHOWN, MOST_REPORT = 100, 100_000
READ = "READ"  # who got it pressed a key, or answered
SINCE = timedelta(days=30)
LOOKED_AT = timedelta(minutes=5)  # so long a page asks anew what became of a message


def card(request: Request) -> Card | None:
    """What I have not read."""
    mine = Delivery.objects.filter(
        person=request.user.pk, channel=None, read_at=None, message__replaced_by=None
    ).select_related("message")
    rows = list(mine.order_by("-message__made_at")[:5])
    return Card("notices/card.html", {"rows": rows}) if rows else None


def index(request: Request) -> HttpResponse:
    """GET /messages/: what I was told, unread first."""
    mine = Delivery.objects.filter(person=request.user.pk, channel=None, message__made_at__gt=timezone.now() - SINCE)
    rows = sorted(mine.select_related("message").order_by("-message__made_at")[:SHOWN], key=lambda d: bool(d.read_at))
    return render(request, "notices/list.html", {"rows": rows})


def _newer(request: Request, message: Message) -> Message | None:
    """The newest of those that replaced a message, where this person was told of it."""
    after = message.replaced_by
    while after and after.replaced_by:
        after = after.replaced_by
    is_told = after is not None and Delivery.objects.filter(message=after, person=request.user.pk).exists()
    return after if is_told else None


def detail(request: Request, number: int) -> HttpResponse:
    """GET: a message and, for who manages channels, its receipts by name. POST: I have read it."""
    message = get_object_or_404(Message, pk=number, county=request.county)
    mine = Delivery.objects.filter(message=message, person=request.user.pk)
    may_see = access.has_county(request.actor, MANAGE, request.county.pk)
    if not mine.exists() and not may_see:
        raise Http404
    if request.method == "POST":
        telling.read(request.user.pk, number)
        return redirect("notices:detail", number) if message.wants_receipt else redirect(message.url or "notices:list")
    rows = (
        message.deliveries.select_related("person", "channel").order_by("person__sort_key", "pk") if may_see else None
    )
    told = mine.filter(channel=None).first()
    moves = message.deliveries.filter(state__in=[State.WAITING, State.SENT]).exclude(channel=None).exists()
    is_fresh = timezone.now() - message.made_at < LOOKED_AT
    shown = {
        "message": message, "rows": rows, "told": told, "is_moving": moves and is_fresh,
        "aloud": telling.aloud(message.voice), "newer": _newer(request, message),
    }  # fmt: skip
    return render(request, "notices/detail.html", shown)


class WishForm(forms.ModelForm):  # type: ignore[type-arg]  # Django cannot be subscripted
    """How somebody wishes to be told."""

    kinds = forms.MultipleChoiceField(
        choices=[(kind.value, kind.label) for kind in Kind if kind not in {Kind.WEBHOOK, Kind.LOUDSPEAKER}],
        required=False,
        label=gettext_lazy("Also by"), widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    class Meta:
        model = Wish
        fields = ("kinds", "email", "quiet_from", "quiet_to", "digest_at")
        labels = {
            "email": gettext_lazy("E-mail address"), "quiet_from": gettext_lazy("Quiet from"),
            "quiet_to": gettext_lazy("Quiet until"), "digest_at": gettext_lazy("All of a day together at"),
        }  # fmt: skip
        widgets = {name: forms.TimeInput(attrs={"type": "time"}) for name in ("quiet_from", "quiet_to", "digest_at")}

    def clean(self) -> dict[str, Any]:
        """Quiet hours have two ends."""
        given: dict[str, Any] = super().clean() or {}
        if (given.get("quiet_from") is None) != (given.get("quiet_to") is None):
            self.add_error("quiet_to", _("Quiet hours need a beginning and an end."))
        return given


def wishes(request: Request) -> HttpResponse:
    """GET and POST /messages/wishes/: my own."""
    mine = Wish.objects.filter(person=request.user.pk).first() or Wish(person=request.user)
    form = WishForm(request.POST or None, instance=mine)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Kept."))
        return redirect("notices:wishes")
    return render(request, "notices/form.html", {"form": form, "title": _("How I am told")})


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """A channel; a secret that is left empty stays as it is."""

    class Meta:
        model = Channel
        fields = ("kind", "name", "address", "account", "secret", "is_enabled", "is_simulated")
        labels = {
            "kind": gettext_lazy("Kind"), "name": gettext_lazy("Name"), "address": gettext_lazy("Address"),
            "account": gettext_lazy("Account or sender"), "secret": gettext_lazy("Secret"),
            "is_enabled": gettext_lazy("in use"), "is_simulated": gettext_lazy("simulated"),
        }  # fmt: skip
        widgets = {"secret": forms.PasswordInput}  # as Django wants it

    def clean_address(self) -> str:
        """One that this server may call; a name is looked up when it is called."""
        address: str = self.cleaned_data["address"]
        host, port = calling.target(address)
        is_of_web = address.startswith(("http://", "https://"))
        if not host or not port or is_of_web == (self.cleaned_data.get("kind") == Kind.EMAIL):
            raise forms.ValidationError(
                _("Give an address as https://example.org/send, that of a mail server as mail.example.org:587.")
            )
        host = "127.0.0.1" if host.lower() == "localhost" else host
        with contextlib.suppress(ValueError):
            if not settings.CONFIG.may_call(host, port):
                raise forms.ValidationError(
                    _("%s is not public. Whoever runs the server lists it in SHIZHU_PRIVATE_NETWORKS.") % host
                )
        return address

    def clean_secret(self) -> str:
        """The one that is kept, where none is given."""
        return str(self.cleaned_data["secret"] or self.instance.secret)


def channel_list(request: Request) -> HttpResponse:
    """GET and POST /messages/channels/: those of the county; `channel` says which is changed."""
    access.require_county(request.actor, MANAGE, request.county.pk)
    asked = whole(request.POST.get("channel") or request.GET.get("channel", ""))
    held = Channel.objects.filter(county=request.county)
    chosen = get_object_or_404(held, pk=asked) if asked else Channel(county=request.county)
    form = ChannelForm(request.POST or None, instance=chosen)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Kept."))
        return redirect("notices:channels")
    since = timezone.now() - SINCE
    rows = [(one, _counts(one, since)) for one in held]
    return render(request, "notices/channels.html", {"form": form, "rows": rows, "chosen": chosen})


@require_POST
def try_out(request: Request, number: int) -> HttpResponse:
    """POST /messages/channels/N/try/: send a few words to `address`, and show what becomes of them."""
    access.require_county(request.actor, MANAGE, request.county.pk)
    channel = get_object_or_404(Channel, pk=number, county=request.county)
    address = request.POST.get("address", "").strip()[:300]
    if not address and channel.kind not in {Kind.WEBHOOK, Kind.WECOM}:
        messages.error(request, _("Give the address or the number that is to be tried."))
        return redirect(f"{reverse('notices:channels')}?channel={number}")
    return redirect("notices:detail", telling.try_out(channel, address, request.actor.name))


def _counts(channel: Channel, since: Any) -> dict[str, int]:
    found = Delivery.objects.filter(channel=channel, message__made_at__gt=since)
    return {state.value: found.filter(state=state).count() for state in State}


@csrf_exempt
@require_POST
def receipt(request: HttpRequest, number: int) -> HttpResponse:
    """POST /messages/receipt/N/: an operator reports, signed with the channel's secret."""
    channel = Channel.objects.filter(pk=number).exclude(secret="").first()
    sent = bodies.of(request)
    body = sent if len(sent) <= MOST_REPORT else b""
    given = request.headers.get("X-Shizhu-Timestamp", ""), body, request.headers.get("X-Shizhu-Signature", "")
    if channel is None or not signing.is_signed(channel.secret, *given, timezone.now()):
        return JsonResponse(
            {"error": "signature: X-Shizhu-Signature is not that of this channel, time and body"}, status=403
        )
    try:
        reports = [
            (str(one["token"]), str(one["status"]), str(one.get("why", "")), str(one.get("answer", "")))
            for one in orjson.loads(body)["reports"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return JsonResponse({"error": 'body: must be {"reports": [{"token", "status", "why", "answer"}]}'}, status=400)
    mine = set(
        Delivery.objects.filter(channel=channel, token__in=[t for t, *_rest in reports]).values_list("token", flat=True)
    )
    done = sum(
        telling.confirm(token, has_arrived=status in {"DELIVRD", READ}, why=why, is_read=status == READ, answer=answer)
        for token, status, why, answer in reports
        if token in mine
    )
    return JsonResponse({"changed": done})
