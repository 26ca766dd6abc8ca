"""MQTT: the broker is NATS; this gateway answers its question who may log in and what they may publish (auth callout).

The broker asks on `$SYS.REQ.USER.AUTH` with a JWT; the answer is a JWT signed with our account key that carries the
device's permissions. Without an answer within five seconds the broker refuses the device: nobody gets in while this
gateway is down, and those already in stay.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import time
from typing import Any

import nkeys
import orjson
from django.conf import settings
from natsrpy import Message, Nats

from shizhu.engines.things import api as things
from shizhu.kernel import log
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.kernel.threads import in_thread
from shizhu.lib.guesses import Guesses
from shizhu.web import authentication
from shizhu.web.authentication import Credentials

logger = logging.getLogger(__name__)
REQUEST = "$SYS.REQ.USER.AUTH"
HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
OPEN = things.Grant(("in.>", "d.>", "v1//1.>"), ("v1//1.>", "d.>"))
PROTOCOL = ("$MQTT.sub.>",)  # deliveries of QoS 1 subscriptions
KEY = "sz_"  # so begins an API key
PERSON_SECONDS = 600  # then a person's connection is closed, and whoever comes again has the rights of then
_guesses = Guesses()  # a device may have six digits only


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def encode(claims: dict[str, Any], key: Any) -> str:
    """A NATS JWT: issued and signed by the account key."""
    body = {**claims, "iat": int(time.time()), "iss": key.public_key.decode()}
    body["jti"] = base64.b32encode(hashlib.sha256(orjson.dumps(body)).digest()).decode().rstrip("=")
    signed = _part(orjson.dumps(HEADER)) + b"." + _part(orjson.dumps(body))
    return (signed + b"." + _part(key.sign(signed))).decode()


def decode(token: bytes) -> dict[str, Any]:
    """The claims of a JWT that came over our own authenticated connection."""
    body = token.split(b".")[1]
    claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return claims


def answer(request: dict[str, Any], grant: things.Grant | None, key: Any) -> str:
    """The signed answer to the broker's question."""
    asked = request["nats"]
    told: dict[str, Any] = {"type": "authorization_response", "version": 2}
    if grant is None:
        told["error"] = "device unknown, disabled, its password is wrong, or its client id is not its own"
    else:
        publish = {"allow": list(grant.publish)} if grant.publish else {"deny": [">"]}  # an empty list allows all
        permissions = {"pub": publish, "sub": {"allow": [*grant.subscribe, *PROTOCOL]}}
        user = {
            "name": f"{asked['connect_opts'].get('user', '')}{things.MARK}{grant.mark}".removesuffix(things.MARK),
            "sub": asked["user_nkey"],
            "aud": log.DEVICES,
            "nats": {"type": "user", "version": 2, **permissions},
            **({"exp": int(time.time()) + PERSON_SECONDS} if grant.is_person else {}),
        }
        told["jwt"] = encode(user, key)
    return encode({"sub": asked["user_nkey"], "aud": asked["server_id"]["id"], "nats": told}, key)


async def decide(request: dict[str, Any], registry: things.Registry | things.KeptRegistry) -> things.Grant | None:
    """What this client may do; with `--open` a client without a name may do everything a device can."""
    options = request["nats"]["connect_opts"]
    user, password = options.get("user", ""), options.get("pass", "")
    if not user and settings.CONFIG.is_open:
        return OPEN
    client = request["nats"]["client_info"]
    who, now = f"{user} {client.get('host', '')}", time.monotonic()
    if _guesses.waits(who, now):
        return None
    device = await registry.device(user)
    if device is None and not registry.knows(user):
        return await _of_person(user, password, client)
    if device is None or not device.accepts(password):
        _guesses.failed(who, now)
        return None
    _guesses.passed(who)
    return things.grant(device) if _is_own(client.get("mqtt_id", ""), user) else None


async def _of_person(user: str, password: str, client: dict[str, Any]) -> things.Grant | None:
    """What a person may; the password is theirs, or an API key of theirs."""
    if "\0" in user + password or not _is_own(client.get("mqtt_id", ""), user):
        return None
    is_key = password.startswith(KEY)
    shown = Credentials("bearer" if is_key else "basic", "" if is_key else user, password, client.get("host", ""))
    actor = await authentication.actor(shown)
    return await in_thread(_granted)(actor, user) if actor else None


def _granted(actor: Actor, user: str) -> things.Grant | None:
    is_own = Person.objects.filter(username=user).values_list("pk", flat=True).first() == actor.person_id
    return things.granted(actor) if is_own else None


def _is_own(client_id: str, key: str) -> bool:
    """Whoever comes with the client id of another takes over its session; a key has no colon."""
    return client_id == key or client_id.startswith(f"{key}:")


async def serve(nats: Nats, detail: dict[str, Any]) -> None:
    """Answer for ever."""
    registry = things.registry()
    key = nkeys.from_seed((settings.CONFIG.home / "nats-account.seed").read_bytes())

    async def reply(message: Message) -> None:
        request = decode(message.payload)
        grant = await decide(request, registry)
        verdict = "accepted" if grant else "refused"
        detail[verdict] = detail.get(verdict, 0) + 1
        if message.reply:
            await nats.publish(message.reply, answer(request, grant, key))

    async with contextlib.aclosing(registry), nats.subscribe(REQUEST, callback=reply):
        await asyncio.Event().wait()


async def run(detail: dict[str, Any]) -> None:
    """The MQTT half of the gateway role."""
    async with log.connected("ingest") as nats:
        await serve(nats, detail)
