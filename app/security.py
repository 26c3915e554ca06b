"""Who may do what: one table of every route, and a route that is not listed is closed to everybody."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here. A visitor has none; whoever has an account is a citizen; the others are granted."""

    CITIZEN = "citizen"
    COUNTER_AGENT = "counter_agent"
    PRINT_OFFICER = "print_officer"
    OFFICER = "officer"
    MANAGER = "manager"
    FORUM_MEMBER = "forum_member"
    AUDITOR = "auditor"
    TRUSTEE = "trustee"
    ADMIN = "admin"


Roles = frozenset[Role]
NOBODY: Roles = frozenset()
EVERY_ROLE: Roles = frozenset(Role)
Predicate = Callable[[Roles], bool]


def anybody(_: Roles) -> bool:
    """Everybody, signed in or not."""
    return True


def _held_by(*allowed: Role) -> Predicate:
    """Make the predicate for whoever holds one of some roles."""
    return lambda roles: not roles.isdisjoint(allowed)


signed_in = _held_by(Role.CITIZEN)
officials = _held_by(
    Role.COUNTER_AGENT, Role.PRINT_OFFICER, Role.OFFICER, Role.MANAGER, Role.AUDITOR, Role.ADMIN
)  # have a start page; a trustee and a member of a forum have rooms of their own
editor = _held_by(Role.OFFICER, Role.MANAGER)  # services and the organisation's own pages
manager = _held_by(Role.MANAGER)  # votes, rolls and results
votes_reader = _held_by(Role.MANAGER, Role.AUDITOR)
rolls_reader = _held_by(Role.MANAGER, Role.PRINT_OFFICER, Role.AUDITOR)
printer = _held_by(Role.MANAGER, Role.PRINT_OFFICER)
prints_reader = _held_by(Role.MANAGER, Role.PRINT_OFFICER, Role.AUDITOR, Role.ADMIN)
print_releaser = _held_by(Role.MANAGER, Role.PRINT_OFFICER, Role.ADMIN)  # and never the one who asked
agent = _held_by(Role.COUNTER_AGENT)
counter = _held_by(Role.COUNTER_AGENT, Role.MANAGER)  # a manager may be the second person for a mark taken back
letters_reader = _held_by(Role.MANAGER, Role.AUDITOR, Role.ADMIN)
admin = _held_by(Role.ADMIN)  # people and their roles, and no vote
people_reader = _held_by(Role.ADMIN, Role.AUDITOR)
second_person = _held_by(Role.ADMIN, Role.MANAGER)  # a manager, where no second administrator is left to agree


# A GET and the POST behind its form share a line, so that nobody fills in a form they cannot send. An auditor reads
# the pages that show something, never sends a form, and so does not get those that are a form and nothing else.
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
    "accounts.sign_out_one": signed_in,
    "accounts.sign_up": anybody,
    "accounts.sign_up_send": anybody,
    "accounts.welcome": anybody,
    "accounts.welcome_save": anybody,
    "components": anybody,
    "counter.ask_back": counter,
    "counter.bind": agent,
    "counter.decide_back": counter,
    "counter.find": counter,
    "counter.index": counter,
    "counter.open_screen": agent,
    "counter.paper": agent,
    "counter.person": counter,
    "counter.screen": agent,
    "counter.screen_free": agent,
    "counter.screen_part": agent,
    "counter.screen_set_up": agent,
    "counter.vote": counter,
    "factors.add": signed_in,
    "factors.code": anybody,  # whose password was right a moment ago
    "factors.code_check": anybody,
    "factors.prove": signed_in,
    "factors.prove_check": signed_in,
    "factors.remove": signed_in,
    "factors.renew": signed_in,
    "factors.show": signed_in,
    "home": anybody,
    "ledger.checkpoint": anybody,
    "ledger.index": anybody,
    "manage.amendment": manager,
    "manage.home": officials,
    "manage.letters": letters_reader,
    "manage.page": editor,
    "manage.page_save": editor,
    "manage.service": editor,
    "manage.service_add": editor,
    "manage.service_new": editor,
    "manage.service_picture": editor,
    "manage.service_save": editor,
    "manage.vote": votes_reader,
    "manage.vote_add": manager,
    "manage.vote_agree": manager,
    "manage.vote_amend": manager,
    "manage.vote_change": manager,
    "manage.vote_lock": manager,
    "manage.vote_new": manager,
    "manage.vote_open": manager,
    "manage.vote_repeat": manager,
    "manage.vote_save": manager,
    "manage.votes": votes_reader,
    "manage.withdrawal": manager,
    "measures.index": anybody,
    "operating.health": anybody,
    "operating.metrics": anybody,  # and then only from this machine, or with the token
    "operating.ready": anybody,
    "oidc.back": anybody,
    "oidc.begin": anybody,
    "oidc.join": anybody,  # whom the provider vouched for a moment ago
    "oidc.join_save": anybody,
    "oidc.remove": signed_in,
    "pages.show": anybody,
    "passkeys.add": signed_in,
    "passkeys.ask": anybody,
    "passkeys.begin": signed_in,
    "passkeys.new": signed_in,
    "passkeys.remove": signed_in,
    "passkeys.sign_in": anybody,
    "people.ask": admin,
    "people.decide": second_person,
    "people.index": people_reader,
    "people.keep_factor": anybody,  # by a link in a letter
    "people.keep_factor_save": anybody,
    "people.log": people_reader,
    "people.show": people_reader,
    "people.sign_out": admin,
    "people.take_back": admin,
    "phones.begin": signed_in,
    "phones.receive": anybody,  # signed by the gateway: SIGNED_BY_SENDER
    "phones.remove": signed_in,
    "phones.show": signed_in,
    "pictures.show": anybody,
    "prints.ask": printer,
    "prints.decide": print_releaser,
    "prints.index": prints_reader,
    "prints.show": printer,
    "prints.void": printer,
    "results.file": anybody,
    "results.import": manager,
    "results.import_save": manager,
    "results.index": anybody,
    "results.recount": anybody,
    "results.show": anybody,
    "results.withdraw": manager,
    "rights.address": signed_in,
    "rights.address_confirm": signed_in,
    "rights.address_save": signed_in,
    "rights.address_send": signed_in,
    "rights.address_undo": anybody,  # by a link in a letter, and whoever moved the account may have it now
    "rights.address_undo_save": anybody,
    "rights.download": signed_in,
    "rights.erase": signed_in,
    "rights.erasing": signed_in,
    "rolls.add": manager,
    "rolls.add_save": manager,
    "rolls.change": manager,
    "rolls.change_ask": manager,
    "rolls.decide": manager,
    "rolls.import": rolls_reader,
    "rolls.index": rolls_reader,
    "rolls.line": manager,
    "rolls.make": manager,
    "rolls.new": manager,
    "rolls.show": rolls_reader,
    "rolls.void": manager,
    "screens.join": anybody,  # whoever has the code of a counter that waits
    "screens.leave": anybody,
    "screens.part": anybody,
    "screens.show": anybody,
    "screens.stay": anybody,
    "screens.take": anybody,  # what an agent handed to this very browser
    "services.hide": editor,
    "services.index": anybody,
    "services.show": anybody,
    "services.show_again": editor,
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
    "votes.own": signed_in,
    "votes.receipt": anybody,
    "votes.secrecy": anybody,
    "votes.show": anybody,
    "votes.slips": anybody,
}


# Not forms of a page of ours, but messages of a machine, which carry a signature in place of a form's token. The door
# lets them pass, and looks at no cookie; their handler checks the signature before it does anything else.
SIGNED_BY_SENDER = frozenset({"phones.receive"})


def may(route: str | None, roles: Roles) -> bool:
    """Tell whether somebody with these roles may use a route; an unlisted one, nobody may."""
    return route in MAY and MAY[route](roles)


def needs_factor(route: str | None) -> bool:
    """Tell whether a route is for people who must have a second factor: all that a citizen may not use."""
    return not may(route, frozenset({Role.CITIZEN}))


JUST_NOW = timedelta(minutes=5)
A_QUEUE = timedelta(minutes=30)  # of people at a counter: each act is undone by two people, or by another slip
AND_TIME_TO_FILL_IN = JUST_NOW + timedelta(minutes=30)

# How long ago the second factor may have been shown for what cannot be taken back, or says who may vote. A form that
# takes a file is asked for before it is filled in, since no page can carry a file on; its POST then has half an hour.
# All other forms are carried on by the page that asks for the code, so only their POST stands here.
PROVED_WITHIN: dict[str, timedelta] = {
    "accounts.sign_out_everywhere": JUST_NOW,
    "accounts.sign_out_one": JUST_NOW,
    "counter.ask_back": JUST_NOW,
    "counter.bind": A_QUEUE,
    "counter.decide_back": JUST_NOW,
    "counter.open_screen": A_QUEUE,
    "counter.paper": A_QUEUE,
    "factors.add": AND_TIME_TO_FILL_IN,  # by somebody who has a passkey
    "manage.amendment": JUST_NOW,
    "manage.vote_agree": JUST_NOW,
    "manage.vote_amend": JUST_NOW,
    "manage.vote_lock": JUST_NOW,
    "manage.vote_open": JUST_NOW,
    "manage.withdrawal": JUST_NOW,
    "oidc.remove": JUST_NOW,
    "passkeys.add": AND_TIME_TO_FILL_IN,  # its question is five minutes old at most
    "passkeys.begin": AND_TIME_TO_FILL_IN,
    "passkeys.new": JUST_NOW,
    "passkeys.remove": JUST_NOW,
    "people.ask": JUST_NOW,
    "people.decide": JUST_NOW,
    "people.sign_out": JUST_NOW,
    "prints.ask": JUST_NOW,
    "prints.decide": JUST_NOW,
    "prints.show": JUST_NOW,
    "prints.void": JUST_NOW,
    "results.import": JUST_NOW,
    "results.import_save": AND_TIME_TO_FILL_IN,
    "results.withdraw": JUST_NOW,
    "rights.address": JUST_NOW,  # forms with a password are not carried on either: no page may hold one
    "rights.address_send": AND_TIME_TO_FILL_IN,
    "rights.download": JUST_NOW,
    "rights.erase": AND_TIME_TO_FILL_IN,
    "rights.erasing": JUST_NOW,
    "rolls.add": JUST_NOW,
    "rolls.add_save": AND_TIME_TO_FILL_IN,
    "rolls.change_ask": JUST_NOW,
    "rolls.decide": JUST_NOW,
    "rolls.line": JUST_NOW,
    "rolls.make": AND_TIME_TO_FILL_IN,
    "rolls.new": JUST_NOW,
    "rolls.void": JUST_NOW,
}


# Of these, what somebody without a second factor shows their password for: whoever finds a browser open must not be
# able to throw its owner out of all the others.
BY_PASSWORD_TOO = frozenset({"accounts.sign_out_everywhere", "accounts.sign_out_one"})


def is_proved(route: str | None, proved_ago: timedelta | None, shown_ago: timedelta, *, has_factor: bool) -> bool:
    """Tell whether somebody showed recently enough for a route who they are.

    proved_ago: since they showed their second factor; who has none can show none.
    shown_ago:  since they signed in, or showed a password or a factor again.
    """
    if not has_factor:
        by_password = route not in BY_PASSWORD_TOO or shown_ago <= PROVED_WITHIN[route]
        return by_password and not needs_factor(route)
    if proved_ago is None:
        return not needs_factor(route) and route not in PROVED_WITHIN
    return proved_ago <= PROVED_WITHIN.get(route or "", proved_ago)
