"""The gate before every view: it reads the guard the route declared and lets nobody else through."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.audit.rules import Actor
from portal.identity import operations, queries
from portal.identity.queries import SignedIn
from portal.plumbing.clock import real_now
from portal.plumbing.db import Database
from portal.plumbing.web import Audience, database, staff_database

MemberRole = Callable[[Session, int, int], str | None]

# Writing "seen" on every request would cost a commit each; a minute is exact enough for an idle timeout.
_SEEN_EVERY = timedelta(minutes=1)
# Of a shop's own people, those whom some routes are for.
_ROLES = {Audience.OWNER: ("owner",), Audience.MANAGER: ("owner", "manager")}


@dataclass
class Visitor(UserMixin):
    """Whoever is signed in, as Flask-Login's `current_user`."""

    token: str
    signed_in: SignedIn
    role: str | None = None

    def get_id(self) -> str:
        """Flask-Login keeps this in its signed cookie: the random token, never the user's id."""
        return self.token

    @property
    def is_staff(self) -> bool:
        return self.signed_in.person.kind == "staff"

    @property
    def merchant_id(self) -> int:
        """The merchant acted for. Only routes guarded for members reach this."""
        if self.signed_in.merchant_id is None:
            abort(404)
        return self.signed_in.merchant_id

    @property
    def person(self) -> queries.Person:
        return self.signed_in.person

    @property
    def actor(self) -> Actor:
        """As the audit log names him."""
        person = self.signed_in.person
        return Actor("staff" if self.is_staff else "merchant", person.user_id, person.name)


def install(app: Flask, *, member_role: MemberRole) -> None:
    """Put the gate before every view. `member_role(session, merchant_id, user_id)` comes from a higher slice."""
    manager = LoginManager()
    # A phone changes its address on the way from the stall to the street; the token alone decides.
    manager.session_protection = None
    manager.init_app(app)

    @manager.user_loader
    def load(token: str) -> Visitor | None:
        return _load(token, member_role)

    @app.before_request
    def admit() -> Response | None:
        return _admit()


def check_audience(audience: Audience, roles: tuple[str, ...]) -> Response | None:
    """None when the visitor may pass; else what he gets instead."""
    if audience in (Audience.EVERYONE, Audience.PAYER, Audience.WALLET):
        return None
    if not current_user.is_authenticated:
        return redirect(url_for("identity.login", next=_return_path()))
    if audience is Audience.STAFF:
        if not current_user.is_staff or (roles and current_user.person.staff_role not in (*roles, "admin")):
            abort(404)
        return None
    if current_user.is_staff or current_user.role is None:
        abort(404)
    if current_user.role not in _ROLES.get(audience, (current_user.role,)):
        abort(403)
    return None


def _admit() -> Response | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    view: Any = current_app.view_functions[request.endpoint]
    declared = getattr(view, "guard", None)
    if declared is None:
        raise RuntimeError(f"{request.endpoint} declares no guard")
    return check_audience(*declared)


def _return_path() -> str | None:
    """Only a path of ours, only for a page: a form's address is not a place to come back to."""
    return request.full_path.rstrip("?") if request.method == "GET" else None


def _load(token: str, member_role: MemberRole) -> Visitor | None:
    digest = operations.token_hash(token)
    moment = real_now()
    for source in (database(), staff_database()):
        with source.transaction() as session:
            found = queries.signed_in(session, digest, now=moment)
        if found is not None:
            _note_seen(source, found)
            return Visitor(token, found, _role(source, found, member_role))
    return None


def _note_seen(source: Database, found: SignedIn) -> None:
    if found.seen_at + _SEEN_EVERY < real_now() and "seen_noted" not in g:
        g.seen_noted = True
        with source.transaction() as session:
            operations.seen(session, found.token_hash, now=real_now())


def _role(source: Database, found: SignedIn, member_role: MemberRole) -> str | None:
    if found.merchant_id is None:
        return None
    with source.transaction(merchant=found.merchant_id) as session:
        return member_role(session, found.merchant_id, found.person.user_id)
