"""What the heading of a list may call its columns, in the languages of this house. Pure.

Case and blanks at the ends do not count: headings come here in the spelling by which they are compared.
"""

from collections.abc import Sequence

from app.accounts.roll import facts

REFERENCE = frozenset(
    {"reference", "ref", "number", "no", "id", "référence", "réf", "numéro", "numero", "n°"}
    | {"ნომერი", "პირადი ნომერი", "საიდენტიფიკაციო ნომერი", "المرجع", "رقم", "الرقم", "رقم المرجع"}
)
NAME = frozenset(
    {"name", "full name", "nom", "nom complet", "სახელი", "სახელი და გვარი", "الاسم", "اسم", "الاسم الكامل"}
)
IDENTIFIER = frozenset(
    {"identifier", "official number", "identifiant", "identifiant officiel", "numéro officiel"}
    | {"იდენტიფიკატორი", "ოფიციალური ნომერი", "المعرف", "الرقم الرسمي"}
)
FACT = frozenset(
    {"fact", "second fact", "fait", "second fait", "deuxième information"}
    | {"ფაქტი", "მეორე ფაქტი", "المعلومة", "معلومة ثانية", "المعلومة الثانية"}
)
"""The second fact beside a letter's code, not one of those that a rule needs."""

COLUMNS = (REFERENCE, NAME, IDENTIFIER, FACT, *facts.COLUMNS)
"""In the order in which the cells of a line are given on."""


def columns_of(heading: Sequence[str], wanted: Sequence[bool]) -> list[int | None] | None:
    """Find where each of COLUMNS stands.

    wanted:  which of them are read.
    Returns: places, None for a column that is not there or not read; None at all where this is no heading.
    Raises:  ValueError where "reference" is missing, or a column stands there twice.
    """
    named = [[place for place, cell in enumerate(heading) if cell in words] for words in COLUMNS]
    if not any(named[: len(COLUMNS) - len(facts.COLUMNS)]) and len([cell for cell in heading if cell]) < 2:
        return None
    if len(named[0]) != 1 or any(len(places) > 1 for places in named):
        raise ValueError
    return [places[0] if places and is_read else None for places, is_read in zip(named, wanted, strict=True)]
