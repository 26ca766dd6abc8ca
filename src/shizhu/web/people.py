"""User administration: people, their posts, passwords and tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.kernel import access, second_factor
from shizhu.kernel.models import Area, Organisation, Person, Post, Role, Token
from shizhu.kernel.text import label, sort_key
from shizhu.web import sessions
from shizhu.web.middleware import Request

VIEW, EDIT = "kernel.person.view", "kernel.person.edit"
CHOOSE = gettext_lazy("Please choose")
LAST = gettext_lazy("Nobody would be left who manages the county's people: give somebody else such a post first.")
TOKEN_DAYS = ("30", "90", "365")


def visible(request: Request) -> QuerySet[Person]:
    """People of the county; the administrator of the installation sees those without a county too."""
    own = Q(county=request.county)
    return Person.objects.filter(own if request.user.county_id else own | Q(county__isnull=True))


def require(request: Request, verb: str) -> None:
    """People belong to the county as a whole: the verb must be held for all of it."""
    access.require_county(request.actor, verb, request.county.pk)


def _require_own(request: Request, role: Role, organisation: Organisation, area: Area) -> None:
    """Nobody reaches beyond their own rights, neither by giving a post nor by taking over who holds it."""
    granted = role.grants.filter(county=request.county).values_list("verb", flat=True)
    own = (
        access.may(request.actor, verb, county=request.county.pk, organisation=organisation, area=area)
        for verb in [*role.verbs, *granted]
        if verb != second_factor.DUTY
    )
    if not all(own):
        raise PermissionDenied


def require_all_of(request: Request, person: Person) -> None:
    """Whoever changes a person must have all rights that the person has or is going to have."""
    lasting = Q(ends__isnull=True) | Q(ends__gte=timezone.localdate())
    for post in person.posts.filter(lasting).select_related("role", "organisation", "area"):
        _require_own(request, post.role, post.organisation, post.area)


def _locks_out(request: Request, *, post: int | None = None, person: int | None = None) -> bool:
    """Whether nobody who may change people of the whole county would be left without a post, or without a person."""
    root = f"{request.county.pk}/"
    held = access.posts(EDIT, area__county=request.county, area__path=root, organisation__path=root)
    return bool(held) and all(one.pk == post or one.person_id == person for one in held)


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A person's own data."""

    class Meta:
        model = Person
        fields = ("username", "name", "phone", "is_active")
        labels = {
            "username": gettext_lazy("User name"),
            "name": gettext_lazy("Name"),
            "phone": gettext_lazy("Phone"),
            "is_active": gettext_lazy("May log in"),
        }
        error_messages = {"username": {"unique": gettext_lazy("Somebody has this user name already.")}}


class PostForm(forms.Form):
    """A new post."""

    role = forms.ModelChoiceField(Role.objects.order_by("pk"), label=gettext_lazy("Role"), empty_label=CHOOSE)
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=gettext_lazy("Organisation"), empty_label=CHOOSE
    )
    area = forms.ModelChoiceField(Area.objects.none(), label=gettext_lazy("Area"), empty_label=CHOOSE)
    starts = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    ends = forms.DateField(
        label=gettext_lazy("To (last day)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, county: str, *arguments: Any, **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        fields: dict[str, Any] = self.fields
        fields["organisation"].queryset = Organisation.objects.filter(county_id=county).order_by("path")
        towns = Area.objects.filter(county_id=county).exclude(level=Area.Level.VILLAGE)
        fields["area"].queryset = towns.order_by("path")
        fields["role"].label_from_instance = lambda role: f"{label(role.name)} ({role.pk})"

    def clean(self) -> dict[str, Any]:
        """The end must not lie before the start."""
        given = super().clean() or {}
        if given.get("ends") and given.get("starts") and given["ends"] < given["starts"]:
            self.add_error("ends", _("The last day must not lie before the first."))
        return given


def people_list(request: Request) -> HttpResponse:
    """Everybody of the county."""
    require(request, VIEW)
    held = Post.objects.current(timezone.localdate()).select_related("role", "area")
    people = visible(request).prefetch_related(Prefetch("posts", held))
    asked = request.GET.get("q", "")
    if asked:
        people = people.filter(Q(name__icontains=asked) | Q(username__icontains=asked) | Q(sort_key__icontains=asked))
    context = {"people": people, "q": asked, "may_edit": request.actor.has(EDIT)}
    return render(request, "shizhu/people.html", context)


def person_new(request: Request) -> HttpResponse:
    """A new person with a password to hand over once."""
    require(request, EDIT)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = secrets.token_urlsafe(9)
        person = form.save(commit=False)
        person.county, person.sort_key, person.must_change_password = request.county, sort_key(person.name), True
        person.set_password(password)
        person.save()
        messages.success(request, _password_told(person, password))
        return redirect("person", person.pk)
    return render(request, "shizhu/person_new.html", {"form": form})


def _password_told(person: Person, password: str) -> str:
    told = _("First password of %(name)s: %(password)s. It is shown once and must be changed at the first log-in.")
    return told % {"name": person.name, "password": password}


def person_page(request: Request, number: int) -> HttpResponse:
    """One person: data, posts, what changed."""
    require(request, VIEW)
    person = get_object_or_404(visible(request), pk=number)
    form = PersonForm(request.POST or None, instance=person)
    if request.method == "POST":
        require(request, EDIT)
        require_all_of(request, person)
        if form.is_valid() and not form.cleaned_data["is_active"] and _locks_out(request, person=number):
            form.add_error("is_active", LAST)
        if form.is_valid():
            changed = form.save(commit=False)
            changed.sort_key = sort_key(changed.name)
            changed.save()
            messages.success(request, _("Saved."))
            return redirect("person", number)
    context = {
        "person": person,
        "form": form,
        "post_form": PostForm(request.county.pk, initial={"starts": timezone.localdate()}),
        "posts": person.posts.select_related("role", "organisation", "area").order_by("starts"),
        "today": timezone.localdate(),
        "may_edit": request.actor.has(EDIT),
        "has_second": second_factor.of(person) is not None,
    }
    return render(request, "shizhu/person.html", context)


def roles_second(request: Request) -> HttpResponse:
    """Of the holders of which roles the county demands a second factor."""
    require(request, EDIT)
    demanded = second_factor.demanded(request.county.pk)
    roles = [role for role in Role.objects.order_by("source", "pk") if label(role.name)]
    if request.method == "POST":
        fixed = {role for role, by in demanded.items() if by != "county"}
        second_factor.demand(request.county.pk, set(request.POST.getlist("role")) - fixed)
        messages.success(request, _("Saved. Whoever has no second factor yet sets it up at their next step."))
        return redirect("roles_second")
    rows = [(role, demanded.get(role.pk, ""), _holders(request, role)) for role in roles]
    return render(request, "shizhu/roles_second.html", {"rows": rows})


def _holders(request: Request, role: Role) -> tuple[int, int]:
    """How many hold the role in the county today, and how many of them have a second factor."""
    posts = Post.objects.current(timezone.localdate()).filter(role=role, area__county=request.county)
    people = Person.objects.filter(pk__in=posts.values("person"), is_active=True)
    return people.count(), people.filter(second_factor__confirmed__isnull=False).count()


@require_POST
@transaction.atomic
def post_add(request: Request, number: int) -> HttpResponse:
    """Give a post. Nobody gives rights that go beyond their own."""
    require(request, EDIT)
    person = get_object_or_404(visible(request), pk=number)
    form = PostForm(request.county.pk, request.POST)
    if not form.is_valid():
        for field, problems in form.errors.items():
            messages.error(request, f"{form.fields[field].label if field in form.fields else ''}: {problems[0]}")
        return redirect("person", number)
    given = form.cleaned_data
    _require_own(request, given["role"], given["organisation"], given["area"])
    Post.objects.get_or_create(
        person=person, role=given["role"], organisation=given["organisation"], area=given["area"],
        starts=given["starts"], defaults={"ends": given["ends"]},
    )  # fmt: skip
    messages.success(request, _("Post given."))
    return redirect("person", number)


@require_POST
def post_end(request: Request, number: int) -> HttpResponse:
    """End a post today; it stays in the history."""
    require(request, EDIT)
    posts = Post.objects.select_related("person", "role", "organisation", "area")
    post = get_object_or_404(posts, pk=number, person__in=visible(request))
    _require_own(request, post.role, post.organisation, post.area)
    if _locks_out(request, post=number):
        messages.error(request, LAST)
        return redirect("person", post.person_id)
    today = timezone.localdate()
    post.ends = max(post.starts, date.fromordinal(today.toordinal() - 1))
    if post.starts >= today:
        post.delete()
    else:
        post.save(update_fields=["ends"])
    messages.success(request, _("Post ended."))
    return redirect("person", post.person_id)


@require_POST
@transaction.atomic
def person_password(request: Request, number: int) -> HttpResponse:
    """A new first password for somebody who forgot theirs; whoever knew the old one may have made keys with it."""
    require(request, EDIT)
    person = get_object_or_404(visible(request), pk=number)
    require_all_of(request, person)
    password = secrets.token_urlsafe(9)
    person.set_password(password)
    person.must_change_password = True
    person.save(update_fields=["password", "must_change_password"])
    Token.objects.filter(person=person, revoked__isnull=True).update(revoked=timezone.now())
    sessions.end(person.pk)
    messages.success(request, _password_told(person, password))
    return redirect("person", number)


def tokens(request: Request) -> HttpResponse:
    """One's own keys for the standard APIs, for ever or some days; a key is shown once."""
    context: dict[str, Any] = {"tokens": _own_tokens(request), "days": TOKEN_DAYS, "now": timezone.now()}
    if request.method == "POST":
        secret = f"sz_{secrets.token_urlsafe(32)}"
        name = request.POST.get("name", "").strip()[:60] or _("Key")
        digest = hashlib.sha256(secret.encode()).hexdigest()
        days = request.POST.get("days", "")
        expires = timezone.now() + timedelta(days=int(days)) if days in TOKEN_DAYS else None
        Token.objects.create(person=request.user, name=name, digest=digest, expires=expires)
        context |= {"secret": secret}
    return render(request, "shizhu/tokens.html", context)


def _own_tokens(request: Request) -> QuerySet[Token]:
    return Token.objects.filter(person=request.user, revoked__isnull=True)


@require_POST
def token_revoke(request: Request, number: int) -> HttpResponse:
    """Revoke one of one's own keys."""
    token = get_object_or_404(_own_tokens(request), pk=number)
    token.revoked = timezone.now()
    token.save(update_fields=["revoked"])
    messages.success(request, _("Key revoked."))
    return redirect("tokens")
