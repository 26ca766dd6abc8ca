"""The channels, behind one interface: hand a batch over, or raise NotSent with the reason."""

from __future__ import annotations

import hashlib
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from shizhu.engines.notices import calling
from shizhu.engines.notices.logic import signing
from shizhu.engines.notices.models import Channel, Kind

WECOM_MOST = 2048  # bytes of a text


EMPTY_NUMBER = "EMPTY"  # the reason of a report that nobody has the number (空号); an operator's own code is told so


class NotSent(Exception):
    """It was not taken over; the text says why."""


@dataclass(frozen=True)
class Parcel:
    """One delivery as a channel has it: whose, what, and the token by which the other side tells of it."""

    token: str
    title: str
    text: str
    url: str
    level: str
    voice: Mapping[str, Any] = field(default_factory=dict)  # what a loudspeaker says, how often, until when


def send(channel: Channel, addresses: Sequence[str], parcels: Sequence[Parcel]) -> None:
    """Hand over; several parcels together are a digest, several addresses are the members of one group."""
    SENDERS[channel.kind](channel, addresses, parcels)


def words(parcels: Sequence[Parcel]) -> str:
    """What people read."""
    return "\n\n".join("\n".join(filter(None, (one.title, one.text, one.url))) for one in parcels)


def _email(channel: Channel, addresses: Sequence[str], parcels: Sequence[Parcel]) -> None:
    [address] = addresses
    host, _, port = channel.address.rpartition(":")
    mail = EmailMessage()
    mail["Subject"] = parcels[0].title if len(parcels) == 1 else f"{parcels[0].title} +{len(parcels) - 1}"
    mail["From"], mail["To"], mail["Message-ID"] = channel.account, address, f"<{parcels[0].token}@shizhu>"
    mail["Date"] = formatdate(localtime=True)
    mail.set_content(words(parcels))
    try:
        with calling.MailServer(host, int(port), timeout=calling.PATIENCE) as server:
            if channel.secret:
                if port != calling.SUBMISSIONS:
                    server.starttls(context=ssl.create_default_context())
                server.login(channel.account, channel.secret)
            server.send_message(mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotSent(f"{channel.address}: {error}") from None


def _webhook(channel: Channel, addresses: Sequence[str], parcels: Sequence[Parcel]) -> None:
    [address] = addresses
    for one in parcels:
        event = {
            "specversion": "1.0", "id": one.token, "type": "notices.message.told", "source": "/notices",
            "datacontenttype": "application/json",
            "data": {"title": one.title, "text": one.text, "url": one.url, "level": one.level},
        }  # fmt: skip
        body, now = json.dumps(event, ensure_ascii=False).encode(), str(int(time.time()))
        _post(address, body, {"X-Shizhu-Timestamp": now, "X-Shizhu-Signature": signing.sign(channel.secret, now, body)})


def _operator(channel: Channel, addresses: Sequence[str], parcels: Sequence[Parcel]) -> None:
    """Text messages, calls and loudspeakers as operators' HTTP gateways take them.

    Account, time, sign, receiver (a telephone number, or the number of a loudspeaker whose voice reads the text), text,
    our number of it, and where it is reported. A loudspeaker says again `every` so many seconds `until` a time, by
    itself, even where the line is cut; what it gets next takes the place of that.
    """
    [address], now = addresses, str(int(time.time()))
    sign = hashlib.sha256(f"{channel.account}{channel.secret}{now}".encode()).hexdigest()
    asked = {
        "account": channel.account, "timestamp": now, "sign": sign, "kind": channel.kind, "mobile": address,
        "content": words(parcels), "extend": parcels[0].token, "report": f"/messages/receipt/{channel.pk}/",
    }  # fmt: skip
    if channel.kind == Kind.LOUDSPEAKER and parcels[-1].voice:
        voice = parcels[-1].voice
        asked |= {"content": voice["text"]} | {name: voice[name] for name in ("every", "until") if name in voice}
    answer = _post(channel.address, json.dumps(asked, ensure_ascii=False).encode())
    if answer.get("code") != 0:
        raise NotSent(f"the operator answers {answer.get('code')}: {answer.get('message', '')}")


def _wecom(channel: Channel, addresses: Sequence[str], parcels: Sequence[Parcel]) -> None:
    """A group robot of WeCom (企业微信): one text in the group, with the people to be mentioned.

    It takes 20 messages a minute of 2048 bytes at most (developer.work.weixin.qq.com, path 91770), and reports nothing:
    what it took is passed on, not arrived.
    """
    content = words(parcels)
    if len(content.encode()) > WECOM_MOST:
        content = content.encode()[: WECOM_MOST - len("…".encode())].decode(errors="ignore") + "…"
    text = {"content": content, "mentioned_mobile_list": [one for one in addresses if one]}
    answer = _post(channel.address, json.dumps({"msgtype": "text", "text": text}, ensure_ascii=False).encode())
    if answer.get("errcode") != 0:
        raise NotSent(f"WeCom answers {answer.get('errcode')}: {answer.get('errmsg', '')}")


SENDERS: dict[str, Callable[[Channel, Sequence[str], Sequence[Parcel]], None]] = {
    Kind.EMAIL: _email, Kind.WEBHOOK: _webhook, Kind.SMS: _operator, Kind.VOICE: _operator, Kind.WECOM: _wecom,
    Kind.LOUDSPEAKER: _operator,
}  # fmt: skip


def _post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        return calling.post(url, body, headers or {})
    except (OSError, ValueError) as error:
        raise NotSent(f"{url}: {error}") from None


def simulate(county: str, named: Mapping[str, str], *, address: str, account: str, secret: str) -> None:
    """Channels to an operator that is not real: their names by kind. Those that are there already stay as they are, but
    follow the operator to another address.
    """
    theirs = Channel.objects.filter(county_id=county, is_simulated=True, account=account)
    theirs.exclude(address=address).update(address=address)
    for kind, name in named.items():
        own = {"kind": kind, "address": address, "account": account, "secret": secret, "is_simulated": True}
        Channel.objects.get_or_create(county_id=county, name=name, defaults=own)
