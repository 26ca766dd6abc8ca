"""Tables of the kernel."""

from shizhu.kernel.models.accounts import Identity, SecondFactor, Session, SignIn, SignInLimit
from shizhu.kernel.models.declarations import Declaration, EnabledPack, Grant, Pack
from shizhu.kernel.models.events import Heartbeat, InboxEvent, OutboxEvent
from shizhu.kernel.models.files import File
from shizhu.kernel.models.notices import Notice, Receipt
from shizhu.kernel.models.people import Organisation, Person, Post, Role, Token
from shizhu.kernel.models.places import Area, County

__all__ = [
    "Area", "County", "Declaration", "EnabledPack", "File", "Grant", "Heartbeat", "Identity", "InboxEvent", "Notice",
    "Organisation", "OutboxEvent", "Pack", "Person", "Post", "Receipt", "Role", "SecondFactor", "Session", "SignIn",
    "SignInLimit", "Token",
]  # fmt: skip
