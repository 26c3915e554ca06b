"""The three levels: who a person is comes first, a second factor only then."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.accounts.assurance import Known, Level, level_of

SOMEBODY = st.builds(Known, *[st.booleans()] * 5)


def test_each_level_by_what_it_takes() -> None:
    assert level_of(Known()) is Level.NONE
    assert level_of(Known(factor=True)) is Level.NONE
    assert level_of(Known(email=True)) is Level.A1
    assert level_of(Known(email=True, factor=True)) is Level.A1
    for way in ("code", "checked", "identity"):
        assert level_of(Known(**{way: True})) is Level.A2
        assert level_of(Known(**{way: True}, factor=True)) is Level.A3


@given(SOMEBODY, st.sampled_from(["email", "code", "checked", "identity", "factor"]))
def test_knowing_more_never_lowers_the_level(known: Known, more: str) -> None:
    assert level_of(replace(known, **{more: True})) >= level_of(replace(known, **{more: False}))
