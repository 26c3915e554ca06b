"""Every page of Khma and every state that a mistake can bring it into: the list that all accessibility tests walk."""

from dataclasses import dataclass

from app.accounts.links import password_mark
from app.accounts.tokens import make_token
from app.demo.walk import SHEET
from tests.accessibility import factors, prints, providers, rights, rolls, screens, votes, waits
from tests.accessibility.acts import (
    Act,
    ask_to_postpone,
    giving,
    hiding,
    lock,
    no_form,
    past_vote,
    picture,
    pressed,
    stale,
    tampered,
    typed,
    unfolded,
    unreadable,
)
from tests.accessibility.furniture import LONG_ADDRESS, PICTURE, ROLL
from tests.accessibility.rights import PERSON
from tests.plumbing.server import SECRET

NOBODY, CITIZEN, MANAGER, ADMIN = "nobody", "citizen", "manager", "admin"
ALL = (NOBODY, CITIZEN, MANAGER)
RESULT = "debian-project-leader-2007"
LIST = "reference,name\n7,Nino\n7,Nino\nA,Luka\nА,Luka\n,nobody\n8,a,b"
GOOD_PASSWORD = "four words only here"
BROKEN = SHEET.replace("5:B", "five:B")


@dataclass(frozen=True)
class Case:
    """One page in one state.

    route:  name of the route that answers at first. path: its address, without the language.
    who:    visitors who see it. act: what they then do, by which the state is reached.
    status: of the last answer. errors: how many its title must announce. mends: whether a field is to be mended.
    place:  "town", or one of the odd places: unfounded, empty, away.
    """

    name: str
    route: str
    path: str
    who: tuple[str, ...] = ALL
    act: Act | None = None
    status: int = 200
    errors: int = 0
    place: str = "town"
    mends: bool = True


WELCOME = make_token(SECRET, "welcome", {"email": "newcomer@vardisi.example"}, hours=1)
TAKEN = make_token(SECRET, "welcome", {"email": "nino@vardisi.example"}, hours=1)
MARK = password_mark("")  # of the password of the official in `furniture`, who has none
RESET = make_token(SECRET, "reset", {"email": LONG_ADDRESS, "mark": MARK}, hours=1)
USED = make_token(SECRET, "reset", {"email": LONG_ADDRESS, "mark": "old"}, hours=1)
ASK_AGAIN = """document.querySelector("form:has(#f-reason)").action =
  location.pathname.replace("results/", "manage/results/").replace(/[^/]*$/, "a-vote-that-waits") + "/withdraw" """
FIRST_TEXTS = ("about", "contact", "help", "privacy", "accessibility", "terms")

PAGES = [
    Case("home", "home", ""),
    Case("sign-in", "accounts.sign_in", "/sign-in"),
    Case("halfway-none", "factors.code", "/sign-in/code", (NOBODY,)),
    Case("provider-away", "oidc.begin", "/sign-in/provider", (NOBODY,), status=503, errors=1, mends=False),
    Case("provider-lost", "oidc.back", "/sign-in/back?state=a&code=b", (NOBODY,), status=403, errors=1, mends=False),
    Case("join-lost", "oidc.join", "/sign-in/join", (NOBODY,), status=403, errors=1, mends=False),
    Case("sign-up", "accounts.sign_up", "/sign-up"),
    Case("sent", "accounts.sent", "/letter-sent"),
    Case("welcome", "accounts.welcome", f"/welcome/{WELCOME}", (NOBODY,)),
    Case("forgot", "accounts.forgot", "/forgot"),
    Case("reset", "accounts.reset", f"/reset/{RESET}", (NOBODY,)),
    Case("me", "accounts.me", "/me", (CITIZEN, MANAGER)),
    Case("me-saved", "accounts.me", "/me?done=saved", (CITIZEN,)),
    Case("factor-none", "factors.show", "/me/factor", (CITIZEN,)),
    Case("factor", "factors.show", "/me/factor", (MANAGER,)),
    Case("factor-renew", "factors.show", "/me/factor?act=renew", (MANAGER,)),
    Case("factor-remove", "factors.show", "/me/factor?act=remove", (MANAGER,)),
    Case("passkey-new", "passkeys.new", "/me/passkeys", (CITIZEN,)),
    *(Case(*each) for each in rights.SEEN),
    Case("prove", "factors.prove", "/me/prove", (CITIZEN, MANAGER)),
    Case("components", "components", "/components", (NOBODY,)),
    Case("manage", "manage.home", "/manage", (MANAGER,)),
    Case("letters", "manage.letters", "/manage/letters", (MANAGER,)),
    Case("ledger", "ledger.index", "/ledger"),
    Case("measures", "measures.index", "/measures"),
    Case("own-page", "manage.page", "/manage/pages/about", (MANAGER,)),
    Case("service-new", "manage.service_new", "/manage/new-service", (MANAGER,)),
    Case("service-change", "manage.service", "/manage/services/late-desk", (MANAGER,)),
    Case("votes", "manage.votes", "/manage/votes", (MANAGER,)),
    Case("vote-new", "manage.vote_new", "/manage/votes/new", (MANAGER,)),
    Case("vote-draft", "manage.vote", "/manage/votes/a-draft", (MANAGER,)),
    Case("vote-change", "manage.vote_change", "/manage/votes/a-locked-vote/amend", (MANAGER,)),
    *(Case(f"text-{key}", "pages.show", f"/pages/{key}") for key in FIRST_TEXTS),
    Case("people", "people.index", "/manage/people", (ADMIN,)),
    Case("person", "people.show", f"/manage/people/{PERSON}", (ADMIN,)),
    Case("security-log", "people.log", "/manage/security", (ADMIN,)),
    Case("past-vote", "results.import", "/manage/results/new", (MANAGER,)),
    Case("rolls", "rolls.index", "/manage/rolls", (MANAGER,)),
    Case("roll", "rolls.show", f"/manage/rolls/{ROLL}", (MANAGER,)),
    *(Case(*each) for each in prints.PAGES),
    *(Case(*each) for each in screens.PAGES),
    Case("roll-new", "rolls.new", "/manage/rolls/new", (MANAGER,)),
    Case("roll-add", "rolls.add", f"/manage/rolls/{ROLL}/add", (MANAGER,)),
    *(Case(f"roll-{name}", *place, (MANAGER,)) for name, place in rolls.PAGES.items()),
    Case("results", "results.index", "/results"),
    Case("result", "results.show", f"/results/{RESULT}"),
    Case("result-of-rounds", "results.show", "/results/a-vote-by-irv", (NOBODY,)),
    Case("result-of-grades", "results.show", "/results/a-vote-by-majority-judgment", (NOBODY,)),
    *(
        Case(f"services{name}", "services.index", f"/services{page}")
        for name, page in (("", ""), ("-second", "?page=2"))
    ),
    Case("service", "services.show", "/services/late-desk"),
    Case("settings", "settings.show", "/settings"),
    Case("votes", "votes.index", "/votes"),
    Case("vote", "votes.show", f"/votes/{votes.OPEN}"),
    Case("receipt", "votes.receipt", "/votes/a-vote-that-is-closed/receipt"),
    Case("my-line", "votes.line", f"/votes/{votes.OPEN}/my-line"),
    Case("eligible", "votes.eligible", f"/votes/{votes.OPEN}/eligible"),
    Case("secrecy", "votes.secrecy", "/secrecy"),
]
BALLOT, RECEIPT, BOX = f"/votes/{votes.OPEN}", f"/votes/{votes.OPEN}/receipt", "/votes/a-vote-that-is-closed/receipt"
AT_THE_BOOTH = [
    *(Case(slug, "votes.show", f"/votes/{slug}", (NOBODY,)) for slug in votes.STATES if slug != votes.OPEN),
    *(Case(f"result-of-{slug}", "results.show", f"/results/{slug}", (NOBODY,)) for slug in votes.RESULTS),
    *(Case(slug, "votes.show", f"/votes/{slug}", (NOBODY,)) for slug in votes.KINDS),
    *(Case(slug, "results.show", f"/results/{slug}", (NOBODY,)) for slug in votes.PUBLISHED),
    Case("vote-too-dear", "votes.show", "/votes/a-budget", (NOBODY,), votes.too_dear, 422, 1),
    Case("vote-nothing-chosen", "votes.show", "/votes/a-vote-for-one", (NOBODY,), votes.nothing_chosen, 422, 1),
    Case("vote-changed", "votes.receipt", RECEIPT, (NOBODY,), votes.changing),
    Case("vote-own", "votes.show", BALLOT, ("officer",)),
    Case("vote-as-oneself", "votes.show", BALLOT, ("officer",), pressed('form[action$="/own"]')),
    Case("vote-not-own", "votes.show", BALLOT, (CITIZEN,), providers.sent_own, 403, 1, mends=False),
    Case("vote-open-to-all", "votes.show", f"/votes/{votes.MOOD}", (NOBODY,)),
    Case("vote-taking-part", "votes.show", f"/votes/{votes.MOOD}", (CITIZEN,), pressed('form[action$="/own"]')),
    Case("vote-left", "votes.show", f"{BALLOT}?done=left-booth", (NOBODY,)),
    Case("code-missing", "votes.show", BALLOT, (NOBODY,), votes.code_typed(), 422, 1),
    Case("code-mistyped", "votes.show", BALLOT, (NOBODY,), votes.code_typed(text="7K3D"), 422, 1),
    Case("code-unknown", "votes.show", BALLOT, (NOBODY,), votes.code_typed(text=votes.UNKNOWN), 403, 1),
    Case("code-void", "votes.show", BALLOT, (CITIZEN,), votes.code_typed(votes.VOID), 403, 1),
    Case("code-elsewhere", "votes.show", BALLOT, (NOBODY,), votes.code_typed(0, slug="a-vote-to-come"), 403, 1),
    Case("rank-twice", "votes.show", BALLOT, (NOBODY,), votes.ranked_twice, 422, 1),
    Case("ballot-broken", "votes.show", BALLOT, (NOBODY,), votes.broken, 422, 1, mends=False),
    Case("ballot-meanwhile", "votes.show", BALLOT, (NOBODY,), votes.code_typed(0), 409, 1, mends=False),
    Case("ballot-early", "votes.show", BALLOT, (NOBODY,), votes.sent_to("a-vote-to-come"), 409, 1, mends=False),
    Case("ballot-suspended", "votes.show", BALLOT, (NOBODY,), votes.sent_to("a-vote-interrupted"), 409, 1, mends=False),
    Case("ballot-late", "votes.show", BALLOT, (NOBODY,), votes.sent_to("a-vote-that-is-closed"), 409, 1, mends=False),
    Case("receipt-asked", "votes.receipt", RECEIPT, (NOBODY,)),
    Case("receipt-shown", "votes.receipt", RECEIPT, (NOBODY,), votes.code_typed(0)),
    Case("receipt-none", "votes.receipt", RECEIPT, (NOBODY,), votes.code_typed(votes.VOID - 1)),
    Case("receipt-mistyped", "votes.receipt", RECEIPT, (NOBODY,), votes.code_typed(text="7K3D"), 422, 1),
    Case("receipt-annulled", "votes.receipt", "/votes/a-vote-that-was-annulled/receipt", (NOBODY,)),
    Case("box-found", "votes.receipt", BOX, (NOBODY,), votes.receipt_typed()),
    Case("box-missing", "votes.receipt", BOX, (NOBODY,), votes.receipt_typed("ab" * 32)),
    Case("box-malformed", "votes.receipt", BOX, (NOBODY,), votes.receipt_typed("abc"), 422, 1),
]
LINE, OLD_LINE = f"/votes/{votes.OPEN}/my-line", "/votes/a-vote-that-is-closed/my-line"
ELIGIBLE = f"/votes/{votes.OPEN}/eligible"
AT_THE_LISTS = [
    Case("line-open", "votes.line", LINE, (NOBODY,), votes.code_typed(0)),
    Case("line-mistyped", "votes.line", LINE, (NOBODY,), votes.code_typed(text="7K3D"), 422, 1),
    Case("line-took-part", "votes.line", OLD_LINE, (NOBODY,), votes.code_typed(0, slug="a-vote-that-is-closed")),
    Case("line-stayed-away", "votes.line", OLD_LINE, (NOBODY,),
         votes.code_typed(votes.VOID - 1, slug="a-vote-that-is-closed")),
    Case("eligible-yes", "votes.eligible", ELIGIBLE, (NOBODY,), votes.code_typed(0)),
    Case("eligible-later", "votes.eligible", "/votes/a-vote-to-come/eligible", (NOBODY,),
         votes.code_typed(0, slug="a-vote-to-come")),
    Case("eligible-by-rule", "votes.eligible", f"/votes/{votes.RULED}/eligible", (NOBODY,),
         votes.code_typed(0, slug=votes.RULED), 403, 1),
    Case("eligible-unknown", "votes.eligible", ELIGIBLE, (NOBODY,), votes.code_typed(text=votes.UNKNOWN), 403, 1),
    Case("eligible-fact", "votes.eligible", "/votes/a-vote-interrupted/eligible", (NOBODY,),
         votes.code_typed(0, slug="a-vote-interrupted"), 403, 1),
    Case("eligible-void", "votes.eligible", ELIGIBLE, (NOBODY,), votes.code_typed(votes.VOID), 403, 1),
    Case("eligible-elsewhere", "votes.eligible", ELIGIBLE, (NOBODY,),
         votes.code_typed(0, slug="a-vote-to-come"), 403, 1),
]  # fmt: skip
MISTAKES = [
    Case("wrong-password", "accounts.sign_in", "/sign-in", (NOBODY,),
         typed(email="nobody@vardisi.example", password="wrong"), 422, 1),
    Case("halfway", "accounts.sign_in", "/sign-in", (NOBODY,), factors.halfway()),
    Case("halfway-wrong", "accounts.sign_in", "/sign-in", (NOBODY,), factors.halfway("12345"), 422, 1),
    Case("factor-wrong", "factors.show", "/me/factor", (CITIZEN,), factors.wrong_code, 422, 1),
    Case("factor-codes", "factors.show", "/me/factor", (CITIZEN,), factors.recovery_codes),
    Case("factor-remove-wrong", "factors.show", "/me/factor?act=remove", (MANAGER,), factors.wrong_code, 422, 1),
    Case("prove-wrong", "factors.prove", "/me/prove", (MANAGER,), factors.wrong_code, 422, 1),
    Case("prove-password", "factors.prove", "/me/prove", (CITIZEN,), typed(current="wrong"), 422, 1),
    Case("carried", "results.show", f"/results/{RESULT}", (MANAGER,), factors.too_long_ago(), 403),
    Case("carried-wrong", "results.show", f"/results/{RESULT}", (MANAGER,), factors.too_long_ago("12345"), 422, 1),
    Case("carried-password", "accounts.me", "/me", (CITIZEN,), factors.shown_long_ago, 403),
    Case("nearly-over", "services.show", "/services/late-desk", (CITIZEN, MANAGER), factors.nearly_over),
    Case("join", "oidc.join", "/sign-in/join", (NOBODY,), providers.joining("nino@vardisi.example")),
    Case("join-wrong", "oidc.join", "/sign-in/join", (NOBODY,),
         providers.joining("maia@vardisi.example", password="wrong"), 422, 1),
    Case("erasing-again", "rights.erasing", "/me/erase", (NOBODY,), providers.erasing_without_a_password),
    Case("me-provider", "accounts.me", "/me", ("officer",)),
    Case("sign-up-empty", "accounts.sign_up", "/sign-up", (NOBODY,), typed(email=""), 422, 1),
    Case("forgot-empty", "accounts.forgot", "/forgot", (NOBODY,), typed(email="nino"), 422, 1),
    Case("welcome-weak", "accounts.welcome", f"/welcome/{WELCOME}", (NOBODY,),
         typed(name="Nino", password="short"), 422, 1),
    Case("welcome-taken", "accounts.welcome", f"/welcome/{TAKEN}", (NOBODY,),
         typed(name="Nino", password=GOOD_PASSWORD), 409, 1),
    Case("reset-weak", "accounts.reset", f"/reset/{RESET}", (NOBODY,), typed(password="short"), 422, 1),
    Case("reset-used", "accounts.reset", f"/reset/{USED}", (NOBODY,), status=404),
    Case("sign-in-queue", "accounts.sign_in", "/sign-in", (NOBODY,), waits.crowded, 429, 1, mends=False),
    Case("sign-in-slowed", "accounts.sign_in", "/sign-in", (NOBODY,), waits.guessed_at, 429, 1, mends=False),
    Case("reset-dead", "accounts.reset", "/reset/no.link", (NOBODY,), status=404),
    Case("me-nameless", "accounts.me", "/me", (CITIZEN,), typed(name=""), 422, 1),
    Case("me-present", "accounts.me", "/me", (CITIZEN,), typed(current="wrong", password=GOOD_PASSWORD), 422, 1),
    *(Case(*each) for each in rights.MISTAKEN),
    Case("own-page-half", "manage.page", "/manage/pages/about", (MANAGER,), typed(body="Only words."), 422, 1),
    Case("service-empty", "manage.service_new", "/manage/new-service", (MANAGER,), typed(name_en=""), 422, 1),
    Case("service-taken", "manage.service_new", "/manage/new-service", (MANAGER,),
         typed(name_en="Late desk"), 409, 1),
    Case("picture-none", "manage.service", "/manage/services/late-desk", (MANAGER,),
         picture(b"GIF89a, but no picture", "The hall"), 422, 1),
    Case("picture-unsaid", "manage.service", "/manage/services/late-desk", (MANAGER,),
         picture(PICTURE, ""), 422, 1),
    Case("past-vote-untitled", "results.import", "/manage/results/new", (MANAGER,), past_vote(title_en=""), 422, 1),
    Case("past-vote-seatless", "results.import", "/manage/results/new", (MANAGER,), past_vote(rule="stv"), 422, 1),
    Case("past-vote-broken", "results.import", "/manage/results/new", (MANAGER,), past_vote(sheet=BROKEN), 422, 1),
    Case("past-vote-secret", "results.import", "/manage/results/new", (MANAGER,),
         past_vote(ballots_public="no"), 422, 1),
    Case("past-vote-day", "results.import", "/manage/results/new", (MANAGER,), past_vote(held_on="2036-01-31"), 422, 1),
    Case("past-vote-source", "results.import", "/manage/results/new", (MANAGER,),
         past_vote(source_url="there"), 422, 1),
    Case("vote-untitled", "manage.vote_new", "/manage/votes/new", (MANAGER,), unfolded(title_en=""), 422, 1),
    Case("vote-choiceless", "manage.vote_new", "/manage/votes/new", (MANAGER,), unfolded(title_en="Which?"), 422, 1),
    Case("vote-out-of-order", "manage.vote_new", "/manage/votes/new", (MANAGER,),
         unfolded(title_en="Which?", typed_1_en="Lifts", typed_2_en="Stairs", publishes_at="2020-01-01T10:00"), 422, 1),
    Case("vote-same-names", "manage.vote", "/manage/votes/a-draft", (MANAGER,),
         unfolded(typed_1_en="Lifts", typed_2_en="LIFTS"), 422, 1),
    Case("vote-locked", "manage.vote", "/manage/votes/a-locked-vote", (MANAGER,)),
    Case("vote-agreed", "manage.vote", "/manage/votes/an-agreed-vote", (MANAGER,)),
    Case("vote-not-ready", "manage.vote", "/manage/votes/a-draft", (MANAGER,), lock, 422, 1),
    Case("vote-change-unreasoned", "manage.vote_change", "/manage/votes/a-locked-vote/amend", (MANAGER,),
         ask_to_postpone, 422, 1),
    Case("withdraw-unreasoned", "results.show", f"/results/{RESULT}", (MANAGER,), typed(reason=" "), 422, 1),
    Case("hide-unruled", "services.show", "/services/late-desk", (MANAGER,), hiding("", "Wrong."), 422, 1),
    Case("hide-unreasoned", "services.show", "/services/late-desk", (MANAGER,), hiding("insult", " "), 422, 1),
    Case("hidden-edited", "manage.service", "/manage/services/desk-taken-off", (MANAGER,)),
    Case("show-unreasoned", "services.show", "/services/desk-taken-off", (MANAGER,), typed(reason=" "), 422, 1),
    Case("people-nobody", "people.index", "/manage/people?q=zzz", (ADMIN,)),
    Case("role-unreasoned", "people.show", f"/manage/people/{PERSON}", (ADMIN,), giving("grant/manager", " "), 422, 1),
    Case("role-unchosen", "people.show", f"/manage/people/{PERSON}", (ADMIN,), giving("", "Because."), 422, 1),
    Case("role-wanted-twice", "people.show", f"/manage/people/{PERSON}", (ADMIN,),
         giving("grant/auditor", "Because."), 409, 1, mends=False),
    Case("security-log-none", "people.log", "/manage/security?person=none@vardisi.example", (ADMIN,)),
    Case("manage-admin", "manage.home", "/manage", (ADMIN,)),
    Case("manage-agent", "manage.home", "/manage", ("counter_agent",)),
    Case("vote-auditor", "manage.vote", "/manage/votes/a-locked-vote", ("auditor",)),
    Case("roll-printer", "rolls.show", f"/manage/rolls/{ROLL}", ("print_officer",)),
    Case("roll-report", "rolls.new", "/manage/rolls/new", (MANAGER,), typed(name_en="Vake", text=LIST)),
    Case("roll-newer", "rolls.add", f"/manage/rolls/{ROLL}/add", (MANAGER,),
         typed(text="reference,name\n7,Nino\n1,Nіno")),
    Case("roll-nameless", "rolls.new", "/manage/rolls/new", (MANAGER,), typed(name_en="", text=LIST), 422, 1),
    Case("roll-fact", "rolls.new", "/manage/rolls/new", (MANAGER,),
         typed(name_en="Vake", text="reference,fact\n1,1987\n2,\n"), 422, 1),
    Case("roll-empty", "rolls.add", f"/manage/rolls/{ROLL}/add", (MANAGER,), typed(text=""), 422, 1),
    *(Case(f"roll-{name}", *place, (MANAGER,)) for name, place in rolls.STATES.items()),
    Case("roll-filling", "rolls.add", f"{rolls.ROLL}/add", (MANAGER,), typed(text="7"), 409, 1, mends=False),
    Case("roll-unreasoned", "rolls.index", "/manage/rolls", (MANAGER,), rolls.strike_without_reason, 422, 1),
    Case("roll-unsure", "rolls.show", f"/manage/rolls/{ROLL}", (MANAGER,), pressed("details form"), 422, 1),
    *(Case(*each) for each in prints.MISTAKES),
    *(Case(*each) for each in screens.STATES),
    Case("slip", "rolls.show", f"/manage/rolls/{ROLL}", (MANAGER,), pressed("table form")),
    Case("roll-nobody", "rolls.show", f"/manage/rolls/{ROLL}?q=zzz", (MANAGER,)),
    Case("no-hit", "services.index", "/services?q=zzz"),
    Case("result-waiting", "results.show", "/results/a-vote-that-waits", (MANAGER,)),
    Case("410", "results.show", "/results/a-vote-taken-back", status=410),
    Case("410-service", "services.show", "/services/desk-taken-off", status=410),
    Case("410-service-manager", "services.show", "/services/desk-taken-off", (MANAGER,), status=410),
    Case("400", "settings.show", "/settings", (NOBODY,), unreadable, 400),
    Case("403", "manage.home", "/manage", (CITIZEN,), status=403),
    Case("403-stale", "settings.show", "/settings", (NOBODY,), stale, 403),
    Case("404", "services.show", "/services/there-is-none", status=404),
    Case("405", "accounts.sign_out", "/sign-out", status=405),
    Case("409", "results.show", f"/results/{RESULT}", (MANAGER,), tampered(ASK_AGAIN, reason="Once more."), 409),
    Case("413", "accounts.me", "/me", (CITIZEN,), typed(name="n" * 1_200_000), 413),
    Case("415", "settings.show", "/settings", (NOBODY,), no_form, 415),
    Case("429", "accounts.sign_up", "/sign-up", (NOBODY,), waits.too_often, 429, 1, mends=False),
    Case("503", "results.index", "/results", (NOBODY,), status=503, place="away"),
    Case("503-home", "home", "", (NOBODY,), status=503, place="away"),
    Case("unfounded", "home", "", (NOBODY,), place="unfounded"),
    Case("unfounded-results", "results.index", "/results", (NOBODY,), status=404, place="unfounded"),
    Case("empty-home", "home", "", (NOBODY,), place="empty"),
    Case("empty-results", "results.index", "/results", (NOBODY,), place="empty"),
    Case("empty-services", "services.index", "/services", (NOBODY,), place="empty"),
    Case("empty-ledger", "ledger.index", "/ledger", (NOBODY,), place="empty"),
    Case("empty-measures", "measures.index", "/measures", (NOBODY,), place="empty"),
    Case("text-own", "pages.show", "/pages/about", (NOBODY,), place="empty"),
    Case("empty-votes", "votes.index", "/votes", (NOBODY,), place="empty"),
    *AT_THE_BOOTH,
    *AT_THE_LISTS,
]  # fmt: skip
CASES = PAGES + MISTAKES
