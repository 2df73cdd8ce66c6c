"""Signs a visitor in with requests-oauthlib: PKCE, and the secret as it is in the Basic header."""

import os
from collections.abc import Mapping
from typing import Any

from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]  # has no types

from tests.foreign.python.website import CLIENT_ID, CLIENT_SECRET, serve

ZOOM = os.environ["EMULATOR_URL"]


class RequestsOAuthlib:
    """The client. It has no call to revoke: the request is made with its session."""

    def begin(self, callback: str) -> str:
        scope = os.environ.get("ZOOM_SCOPE")
        self.session = OAuth2Session(CLIENT_ID, redirect_uri=callback, scope=scope, pkce="S256")
        url, _state = self.session.authorization_url(f"{ZOOM}/oauth/authorize")
        return str(url)

    def finish(self, url: str) -> Mapping[str, Any]:
        session, secret = self.session, HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)
        session.fetch_token(
            f"{ZOOM}/oauth/token", authorization_response=url, client_secret=CLIENT_SECRET
        )
        user = self.me().json()["id"]
        token = session.refresh_token(f"{ZOOM}/oauth/token", auth=secret)
        again = self.me().json()["id"]
        form = {"token": token["access_token"]}
        session.post(f"{ZOOM}/oauth/revoke", form, auth=secret, withhold_token=True)
        return {"user": user, "again": again, "revoked": self.me().status_code}

    def me(self) -> Any:
        return self.session.get(f"{ZOOM}/v2/users/me")

    def explain(self, error: Exception) -> Mapping[str, Any]:
        return {"code": getattr(error, "error", None)}


if __name__ == "__main__":
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the emulator speaks HTTP, on loopback
    serve(RequestsOAuthlib())
