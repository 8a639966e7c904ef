"""Who is logged in: two cookies as the real shop sets them, sessions in the memory of this process."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode
from urllib.parse import quote, unquote

from aiohttp import web

SESSION_COOKIE = "md.sid"
LOGIN_COOKIE = "logged_in"
LOGIN_SECONDS = 3600


class Sessions:
    """Signed session ids in `md.sid`; the customer of each is known to this process alone."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._customers: dict[str, str] = {}

    def id_of(self, request: web.Request) -> str:
        """The request's session id; a request without a genuine cookie gets a new one."""
        if "session" not in request:
            genuine = self._opened(request.cookies.get(SESSION_COOKIE, ""))
            request["session"] = genuine or secrets.token_urlsafe(24)
            request["session is new"] = genuine is None
        return str(request["session"])

    def customer_of(self, request: web.Request) -> str | None:
        """Id of the customer who is logged in; None without the cookie or after a restart."""
        return self._customers.get(self.id_of(request)) if LOGIN_COOKIE in request.cookies else None

    def log_in(self, request: web.Request, response: web.Response, customer: str) -> None:
        """Remember the customer, and set the login cookie, which scripts of the page may read."""
        session = self.id_of(request)
        self._customers[session] = customer
        response.set_cookie(LOGIN_COOKIE, session, max_age=LOGIN_SECONDS, path="/")

    def seal(self, request: web.Request, response: web.StreamResponse) -> None:
        """Hand out the session cookie if this request was the first of its session."""
        if request.get("session is new"):
            signed = f"s:{request['session']}.{self._signature(request['session'])}"
            response.set_cookie(SESSION_COOKIE, quote(signed, safe=""), httponly=True, path="/")

    def _opened(self, cookie: str) -> str | None:
        session, _, signature = unquote(cookie).removeprefix("s:").rpartition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(session).encode())
        return session if genuine else None

    def _signature(self, session: str) -> str:
        return b64encode(hmac.digest(self._secret, session.encode(), hashlib.sha256)).decode().rstrip("=")


sessions = Sessions()
