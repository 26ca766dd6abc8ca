"""Outbox, inbox and heartbeats: how rooms tell each other what happened."""

from __future__ import annotations

from django.db import models


class OutboxEvent(models.Model):
    """A CloudEvent written in the transaction that made it true; deleted once the event log has it."""

    subject = models.CharField(max_length=200)  # of the log: ev.<county>.<type>
    envelope = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)


class InboxEvent(models.Model):
    """A consumer has done this event: a redelivery is ignored."""

    consumer = models.CharField(max_length=60)
    event = models.CharField(max_length=40)
    done = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "event"], name="inbox_once")]
        indexes = [models.Index(fields=["done"], name="inbox_done")]


class Heartbeat(models.Model):
    """A role says that it lives, and how far behind it is."""

    role = models.CharField(primary_key=True, max_length=40)
    at = models.DateTimeField()
    pid = models.IntegerField()
    version = models.CharField(max_length=20)
    detail = models.JSONField(default=dict)  # lag and counters of that role
