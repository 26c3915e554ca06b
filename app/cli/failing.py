"""How a command says that it cannot go on: one line on standard error that names the place and the cure."""

import html
import sys

from app.i18n import explain
from commons.errors import DomainError


def fail(command: str, where: str, fault: DomainError) -> int:
    """Say what is wrong with a file or an address.

    Returns: 2, the exit code for what cannot be read.
    """
    sentence = html.unescape(explain("en", fault))  # the sentences are written for pages
    print(" ".join(f"{command}: {where}: {sentence}".split()), file=sys.stderr)
    return 2
