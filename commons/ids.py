"""Names of things: random ids for the database, short readable slugs for addresses."""

import hashlib
import re
import unicodedata
from uuid import UUID, uuid4

SLUG_LENGTH = 60


def _letters(alphabet: str, latin: str) -> dict[str, str]:
    """Pair each letter with its Latin spelling; a dot stands for a letter that is not spelled."""
    return {letter: spelling.strip(".") for letter, spelling in zip(alphabet, latin.split(), strict=True)}


_LATIN = (
    # Georgian: the national system of 2002, without apostrophes
    _letters(
        "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
        "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h",
    )
    # Cyrillic: Russian, Ukrainian and Tajik letters, as commonly spelled
    | _letters(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяёғқҳҷӣӯіїєґ",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch . y . e yu ya yo gh q h j i u i yi ye g",
    )
    # Arabic: the letters as written; short vowels are not written, so they are not spelled
    | _letters(
        "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةأإآؤئء",
        "a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y a a a i a w y .",
    )
    | _letters("œæßøłđ", "oe ae ss o l d")
)


def new_id() -> UUID:
    """Draw a random id: a UUID of version 4.

    Never version 1 or 7: those carry the moment they were made, and a ballot must not know when it was cast.
    """
    return uuid4()


def slug_of(text: str) -> str:
    """Spell a title in small ASCII letters, digits and hyphens, for an address.

    Returns:  1 to 60 characters; a short hash of the text where no letter is left to spell.
    """
    spelled = "".join(_LATIN.get(letter, letter) for letter in unicodedata.normalize("NFC", text.lower()))
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"['’]", "", plain.lower())).strip("-")
    if len(slug) > SLUG_LENGTH:
        cut = slug[: SLUG_LENGTH + 1].rpartition("-")[0]  # rather a word less than half a word
        slug = cut or slug[:SLUG_LENGTH]
    return slug or hashlib.sha256(text.encode()).hexdigest()[:8]
