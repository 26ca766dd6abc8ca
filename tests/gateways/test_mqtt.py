"""What the broker is told of a client that logs in."""

from __future__ import annotations

import nkeys
import pytest

from shizhu.engines.things import api
from shizhu.gateways import mqtt

KEY = nkeys.from_seed(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_ACCOUNT))
REQUEST = {"nats": {"connect_opts": {"user": "dong"}, "user_nkey": "UDONG", "server_id": {"id": "NSERVER"}}}


def permissions(grant: api.Grant) -> tuple[object, object]:
    """The broker reads an empty list of what is allowed as everything."""
    told = mqtt.decode(mqtt.answer(REQUEST, grant, KEY).encode())["nats"]
    user = mqtt.decode(told["jwt"].encode())["nats"]
    return user["pub"], user["sub"]


@pytest.mark.parametrize(
    ("publish", "subscribe", "pub", "sub"),
    [
        (("a.b",), ("c.>",), {"allow": ["a.b"]}, {"allow": ["c.>", "$MQTT.sub.>"]}),
        ((), ("c.>",), {"deny": [">"]}, {"allow": ["c.>", "$MQTT.sub.>"]}),
        ((), (), {"deny": [">"]}, {"allow": ["$MQTT.sub.>"]}),
        (("a.b",), (), {"allow": ["a.b"]}, {"allow": ["$MQTT.sub.>"]}),
    ],
)
def test_no_list_of_what_is_allowed_is_empty(
    publish: tuple[str, ...], subscribe: tuple[str, ...], pub: object, sub: object
) -> None:
    for is_person in (False, True):
        assert permissions(api.Grant(publish, subscribe, is_person=is_person)) == (pub, sub)


def test_who_is_refused_gets_no_credential() -> None:
    told = mqtt.decode(mqtt.answer(REQUEST, None, KEY).encode())["nats"]
    assert (set(told), "wrong" in told["error"]) == ({"type", "version", "error"}, True)
