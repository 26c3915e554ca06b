"""What can be wrong with a ballot file: one fault, the line it stands in, what was found and what belongs there."""

from commons.errors import Invalid

SHOWN = 80
"""Signs of a faulty line that are repeated in the error."""


class BallotFileError(Invalid):
    """A ballot file that cannot be counted as it is.

    code:     one of the ten below.
    line:     counted from 1; 0 = the file as a whole.
    found:    what stands there, shortened and without control signs.
    expected: the limit, or a sample of what belongs there; no sentence, so it needs no translation.

    file.too_large       more than can be counted here
    file.not_text        bytes that are no text in the encoding expected
    file.unknown_format  none of the formats that we read
    file.no_options      no option is named, or more than can be counted
    file.no_ballots      not a single ballot
    file.option          a line that should name an option does not
    file.repeated        an option is named twice where once is right
    file.unknown_option  a ballot names an option that the file does not have
    file.line            a line, mostly a ballot, that is not written as the format asks
    file.number          a number of ballots that cannot be
    """

    def __init__(self, code: str, line: int, found: str | int, expected: str | int) -> None:
        super().__init__(f"file.{code}", line=line, found=_shorten(found), expected=_shorten(expected))


def _shorten(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value.strip()[: SHOWN + 1])
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
