"""Who may do what: one table of every route, and a route that is not listed is closed to everybody."""

from collections.abc import Callable
from enum import StrEnum


class Role(StrEnum):
    """What a person may do beyond what everybody may."""

    CITIZEN = "citizen"
    MANAGER = "manager"
    ADMIN = "admin"


Predicate = Callable[[Role | None], bool]


def anybody(_: Role | None) -> bool:
    """Everybody, signed in or not."""
    return True


def signed_in(role: Role | None) -> bool:
    """Whoever is signed in."""
    return role is not None


def manager(role: Role | None) -> bool:
    """Those who run votes and surveys, and those who run the installation."""
    return role in {Role.MANAGER, Role.ADMIN}


# A GET and the POST behind its form share a line, so that nobody fills in a form they cannot send.
MAY: dict[str, Predicate] = {
    "accounts.forgot": anybody,
    "accounts.forgot_send": anybody,
    "accounts.me": signed_in,
    "accounts.name": signed_in,
    "accounts.password": signed_in,
    "accounts.reset": anybody,
    "accounts.reset_save": anybody,
    "accounts.sent": anybody,
    "accounts.sign_in": anybody,
    "accounts.sign_in_check": anybody,
    "accounts.sign_out": signed_in,
    "accounts.sign_out_everywhere": signed_in,
    "accounts.sign_up": anybody,
    "accounts.sign_up_send": anybody,
    "accounts.welcome": anybody,
    "accounts.welcome_save": anybody,
    "components": anybody,
    "home": anybody,
    "ledger.checkpoint": anybody,
    "ledger.index": anybody,
    "manage.amendment": manager,
    "manage.home": manager,
    "manage.letters": manager,
    "manage.page": manager,
    "manage.page_save": manager,
    "manage.service": manager,
    "manage.service_add": manager,
    "manage.service_new": manager,
    "manage.service_picture": manager,
    "manage.service_save": manager,
    "manage.vote": manager,
    "manage.vote_add": manager,
    "manage.vote_amend": manager,
    "manage.vote_change": manager,
    "manage.vote_lock": manager,
    "manage.vote_new": manager,
    "manage.vote_open": manager,
    "manage.vote_repeat": manager,
    "manage.vote_save": manager,
    "manage.votes": manager,
    "manage.withdrawal": manager,
    "measures.index": anybody,
    "operating.health": anybody,
    "operating.metrics": anybody,  # and then only from this machine, or with the token
    "operating.ready": anybody,
    "pages.show": anybody,
    "pictures.show": anybody,
    "results.file": anybody,
    "results.import": manager,
    "results.import_save": manager,
    "results.index": anybody,
    "results.show": anybody,
    "results.withdraw": manager,
    "rolls.add": manager,
    "rolls.add_save": manager,
    "rolls.index": manager,
    "rolls.line": manager,
    "rolls.make": manager,
    "rolls.new": manager,
    "rolls.show": manager,
    "rolls.slips": manager,
    "rolls.void": manager,
    "services.hide": manager,
    "services.index": anybody,
    "services.show": anybody,
    "services.show_again": manager,
    "settings.save": anybody,
    "settings.show": anybody,
    "start": anybody,
    "static": anybody,
    "votes.cast": anybody,  # who may vote is decided by code or pass, not by account
    "votes.check": anybody,
    "votes.done": anybody,
    "votes.eligible": anybody,
    "votes.eligible_ask": anybody,
    "votes.enter": anybody,
    "votes.file": anybody,
    "votes.index": anybody,
    "votes.line": anybody,
    "votes.line_enter": anybody,
    "votes.line_file": anybody,
    "votes.receipt": anybody,
    "votes.secrecy": anybody,
    "votes.show": anybody,
}


def may(route: str | None, role: Role | None) -> bool:
    """Tell whether a role may use a route; an unlisted one, nobody may."""
    return route in MAY and MAY[route](role)
