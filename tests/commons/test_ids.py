"""Names of things: ids that tell no time, slugs that fit into any address."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.ids import new_id, slug_of


def test_an_id_is_random_and_knows_no_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {each.version for each in ids} == {4}
    assert ids != sorted(ids)
    assert len(set(ids)) == 1000


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("რუსთაველის გზა, 2026", "rustavelis-gza-2026"),
        ("Écluse d'été & Œuvre", "ecluse-dete-oeuvre"),
        ("طريق المدينة", "tryq-almdyna"),
        ("Ҷумҳурии Тоҷикистон", "jumhurii-tojikiston"),
        ("Straße – Łódź", "strasse-lodz"),
        ("  --  Parks?!  ", "parks"),
        ("日本", "cf2abf0c"),
        ("one two " * 10, "one-two-one-two-one-two-one-two-one-two-one-two-one-two-one"),
    ],
)
def test_titles_are_spelled(text: str, slug: str) -> None:
    assert slug_of(text) == slug


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_title_gives_a_slug_that_stays_itself(text: str) -> None:
    slug = slug_of(text)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 60
    assert slug_of(slug) == slug
