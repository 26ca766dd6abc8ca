"""The stock book (台账): what lies where, and every movement that made it so. The database keeps the two in step."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import County, Person

BOOKED = """
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.county_id || '/' || NEW.book || '/' || NEW.article, 0));
    IF NEW.source <> '' THEN
        UPDATE cases_holding SET quantity = quantity - NEW.quantity
        WHERE county_id = NEW.county_id AND book = NEW.book AND article = NEW.article
            AND register = NEW.source_register AND place = NEW.source;
        IF NOT FOUND THEN
            RAISE check_violation USING MESSAGE = 'nothing of it lies there', CONSTRAINT = 'holding_not_below_nought';
        END IF;
    END IF;
    IF NEW.target <> '' THEN
        INSERT INTO cases_holding (county_id, book, article, register, place, quantity, is_single)
        VALUES (NEW.county_id, NEW.book, NEW.article, NEW.target_register, NEW.target, NEW.quantity, NEW.is_single)
        ON CONFLICT (county_id, book, article, register, place)
        DO UPDATE SET quantity = cases_holding.quantity + EXCLUDED.quantity;
    END IF;
    RETURN NULL;
"""


class Holding(models.Model):
    """How much of an article lies at a place; written by the trigger of `Movement` alone.

    A place is a row of a register, or a case (`register` = `case`) that something was issued to. A single article
    (one pump with its number) lies in one place at most.
    """

    county = models.ForeignKey(County, models.CASCADE)
    book = models.CharField(max_length=100)
    article = models.CharField(max_length=200)
    register = models.CharField(max_length=100)
    place = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    is_single = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "book", "article", "register", "place"], name="holding_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="holding_not_below_nought"),
            models.CheckConstraint(condition=Q(is_single=False) | Q(quantity__lte=1), name="holding_of_one"),
            models.UniqueConstraint(
                fields=["county", "book", "article"],
                condition=Q(is_single=True, quantity__gt=0),
                name="holding_in_one_place",
            ),
        ]
        indexes = [models.Index(fields=["county", "register", "place"], name="holding_of_place")]
        ordering = ["article", "register", "place"]


class Movement(models.Model):
    """A line of the book, signed by a person; never changed: what was wrong is put right by another."""

    class Kind(models.TextChoices):
        """What happened to it."""

        RECEIVE = "receive"
        ISSUE = "issue"
        MOVE = "move"
        RETURN = "return"
        WRITE_OFF = "write_off"

    county = models.ForeignKey(County, models.CASCADE)
    book = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind)
    article = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    is_single = models.BooleanField(default=False)
    source_register = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=200, blank=True)
    target_register = models.CharField(max_length=100, blank=True)
    target = models.CharField(max_length=200, blank=True)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="movements")
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="movement_of_something"),
            models.CheckConstraint(condition=~Q(source="", target=""), name="movement_from_or_to"),
        ]
        indexes = [models.Index(fields=["county", "book", "-at"], name="movement_newest")]
        ordering = ["-at", "-pk"]
        triggers = [
            pgtrigger.Trigger(name="booked", when=pgtrigger.After, operation=pgtrigger.Insert, func=BOOKED),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete),
        ]
