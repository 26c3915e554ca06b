"""`khma`: finds the command that was asked for, and only then loads what it needs.

The page of help needs none of the installed packages, so it can be read before anything is installed.
"""

import sys
from importlib import import_module

HELP = """\
Khma: ask people what should come first, count what they say, and let a stranger count it again.

  khma demo  [--port 8000] [--fresh] [--check]   one small town on this machine, ready to sign in; --check walks
                                                 through it by itself and says whether all is well
  khma test  [--full] [--faults] [--oracles]     prove everything, with real databases and a real browser; what else
             [pytest …]                          is given chooses tests

Counting, for anyone
  khma count  --rule schulze [--json] FILE       count a file of ballots, or a published folder or zip by its own rule
  khma verify FOLDER | ZIP | URL [--key KEY]     count a published result again, and name every byte that differs

Running an installation (settings: docs/operating.md)
  khma config check                              name every unsafe setting, and its cure
  khma migrate [--to REVISION]                   bring the tables up to date, or to a revision, forwards or back
  khma admin found --name NAME [--zone ZONE]     found the organisation that hosts this installation
  khma admin invite ADDRESS [--role ROLE]        write a letter that opens an account (admin unless said otherwise)
  khma admin single-handed on|off                one officer decides alone, and every page says so; or no longer
  khma admin forget-factor ADDRESS               let somebody in who lost their second factor; they are told by letter
  khma admin ledger-key                          make a new signing key for the ledger, when the old one is lost
  khma keys new FOLDER --function-en TEXT        make a custodian's key and register its public half
  khma keys check FOLDER [--vote SLUG]           show, as a custodian, that the sealed copies of vote keys open
  khma keys destroyed FOLDER [--vote SLUG]       sign, after closing, that no copy is left with you
  khma serve  [--host H] [--port P] [--workers N]   the web pages; refuses unsafe settings by name
  khma worker                                    the work behind the pages; start one or more
  khma result import FILE …                      bring in a past vote; khma result import --help
  khma backup FILE                               one consistent copy of the database, without the keys
  khma restore FILE                              put a copy into an empty database, on either kind

Working on Khma itself (CONTRIBUTING.md)
  khma lint   [--lock]                           style, types and the house rules; --lock renews the lock files
  khma bench  city | cast | count | pages | …    measure, each figure beside its limit or its peer

Exit codes: 0 done · 1 something does not hold · 2 not understood, or a file that cannot be read
"""

COMMANDS = {
    "admin": ("app.cli.installation", "admin"),
    "backup": ("app.cli.installation", "backup"),
    "bench": ("app.cli.bench", "bench"),
    "config": ("app.cli.installation", "config"),
    "count": ("app.cli.count", "count"),
    "demo": ("app.cli.demo", "demo"),
    "keys": ("app.cli.keys", "keys"),
    "lint": ("app.cli.testing", "lint"),
    "migrate": ("app.cli.installation", "migrate"),
    "restore": ("app.cli.installation", "restore"),
    "result": ("app.cli.result", "result"),
    "serve": ("app.cli.running", "serve"),
    "test": ("app.cli.testing", "test"),
    "verify": ("app.cli.verify", "verify"),
    "worker": ("app.cli.running", "worker"),
}


def main() -> int:
    """Run the command that the arguments name. Returns its exit code."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(HELP, end="")
        return 0
    if arguments[0] not in COMMANDS:
        print(f"khma: there is no command {arguments[0]!r}. See: khma --help", file=sys.stderr)
        return 2
    module, function = COMMANDS[arguments[0]]
    try:
        code: int = getattr(import_module(module), function)(arguments[1:])
    except Exception as failure:
        db = sys.modules.get("app.db")  # whoever never loaded it cannot have lost the database
        if db is None or not db.is_away(failure):
            raise
        print(
            "khma: the database of KHMA_DATABASE_URL cannot be reached: is it running? See: khma config check",
            file=sys.stderr,
        )
        return 1
    return code
