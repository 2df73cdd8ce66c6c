"""Signs a visitor in with social-auth-core's Zoom backend, whose addresses are built in.

What social-auth leaves to a web framework is done here in the plainest way: one session,
and users in a list. Its default pipeline runs as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from social_core.actions import do_auth, do_complete
from social_core.backends.base import BaseAuth
from social_core.exceptions import SocialAuthBaseException
from social_core.storage import BaseStorage, NonceMixin, UserMixin
from social_core.strategy import BaseStrategy

from tests.foreign.python.website import CLIENT_ID, CLIENT_SECRET, serve

SETTINGS = {
    "AUTHENTICATION_BACKENDS": ["social_core.backends.zoom.ZoomOAuth2"],
    "SOCIAL_AUTH_ZOOM_OAUTH2_KEY": CLIENT_ID,
    "SOCIAL_AUTH_ZOOM_OAUTH2_SECRET": CLIENT_SECRET,
    "LOGIN_REDIRECT_URL": "/welcome",
}


@dataclass
class User:
    """Who has signed in."""

    id: int
    username: str
    email: str
    first_name: str = ""
    last_name: str = ""
    is_active: bool = True
    is_authenticated: bool = True
    is_new: bool = False
    social_user: Any = None


@dataclass
class Association(UserMixin):
    """A user's account at Zoom; the class keeps all of them."""

    user: User
    uid: str
    provider: str
    id_key: str = ""
    extra_data: dict[str, Any] = field(default_factory=dict[str, Any])

    every: ClassVar[list["Association"]] = []

    def save(self) -> None:
        """It is kept where it is."""

    @classmethod
    def changed(cls, user: Any) -> None:
        """It is kept where it is."""

    @classmethod
    def user_model(cls) -> type[User]:
        return User

    @classmethod
    def username_max_length(cls) -> int:
        return 150

    @classmethod
    def user_exists(cls, *_: object, username: str = "", **__: object) -> bool:
        return any(each.user.username == username for each in cls.every)

    @classmethod
    def create_user(cls, *_: object, **fields: Any) -> User:
        return User(len(cls.every) + 1, **fields)

    @classmethod
    def get_social_auth(
        cls, provider: str, uid: str, id_key: str | None = None
    ) -> "Association | None":
        wanted = (provider, uid, id_key)
        return next((e for e in cls.every if (e.provider, e.uid, e.id_key) == wanted), None)

    @classmethod
    def create_social_auth(
        cls, user: Any, uid: str, provider: str, id_key: str = ""
    ) -> "Association":
        cls.every.append(cls(user, uid, provider, id_key))
        return cls.every[-1]


class Nonce(NonceMixin):
    """States that were given out and have not come back."""

    every: ClassVar[set[tuple[str, int, str]]] = set()

    @classmethod
    def use(cls, server_url: str, timestamp: int, salt: str) -> bool:
        cls.every.add((server_url, timestamp, salt))
        return True

    @classmethod
    def consume(cls, server_url: str, timestamp: int, salt: str) -> bool:
        known = (server_url, timestamp, salt) in cls.every
        cls.every.discard((server_url, timestamp, salt))
        return known


class Storage(BaseStorage):
    """Where everything is kept: in this process."""

    user = Association
    nonce = Nonce


class Strategy(BaseStrategy[str]):
    """The web framework: one visitor's session, and the request that is being answered.

    A redirect is the address that it leads to.
    """

    def __init__(self) -> None:
        super().__init__(Storage)
        self.session: dict[str, Any] = {}
        self.url = ""

    def get_setting(self, name: str) -> Any:
        return SETTINGS[name]

    def redirect(self, url: str) -> str:
        return url

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:  # noqa: ARG002  # social-auth calls it so
        return dict(parse_qsl(urlsplit(self.url).query))

    def request_host(self) -> str:
        return urlsplit(self.url).netloc

    def build_absolute_uri(self, path: str | None = None) -> str:
        return path or self.url

    def session_get(self, name: str, default: Any = None) -> Any:
        return self.session.get(name, default)

    def session_set(self, name: str, value: Any) -> None:
        self.session[name] = value

    def session_pop(self, name: str) -> Any:
        return self.session.pop(name, None)


class SocialAuth:
    """The client. It has no call to revoke at Zoom."""

    def __init__(self) -> None:
        self.strategy = Strategy()
        self.callback = ""

    def begin(self, callback: str) -> str:
        self.callback = self.strategy.url = callback
        return do_auth(self.backend())

    def finish(self, url: str) -> Mapping[str, Any]:
        self.strategy.url = url
        backend = self.backend()
        do_complete(backend, lambda *_: None)
        (association,) = Association.every
        association.refresh_token(self.strategy)
        again = backend.user_data(association.access_token)["id"]
        return {"user": association.uid, "again": again}

    def backend(self) -> Any:
        backend: BaseAuth[str] = self.strategy.get_backend("zoom-oauth2", self.callback)
        return backend

    def explain(self, error: Exception) -> Mapping[str, Any]:
        if not isinstance(error, SocialAuthBaseException):
            return {}
        return {"code": error.provider_code, "why": error.code}


if __name__ == "__main__":
    serve(SocialAuth())
