"""The form in which we publish: what is written is read again as the same ballots, on every machine alike."""

from hypothesis import given
from hypothesis import strategies as st

from ballots.counting.types import Profile
from ballots.formats import abif
from ballots.formats.reading import read_profile
from tests.strategies import profiles

PUBLISHED = """\
=c1:[Ann, "A."]
=c2:"Bo [b]"
=c3:[ბიბლიოთეკა]
{"invalid_ballots": 2}
12:c3>c1=c2
5:
5:c1
5:c2>c1
"""


def test_the_published_form_is_pinned() -> None:
    names = ['Ann, "A."', "Bo [b]", "ბიბლიოთეკა"]
    ballots = [
        ([[names[1]], [names[0]]], 5),
        ([[names[2]], [names[1], names[0]]], 7),
        ([[names[0]]], 5),
        ([[names[2]], names[:2]], 5),
    ]
    assert abif.write(Profile.of(names, ballots, blank=5, invalid=2)) == PUBLISHED


@given(profiles(implicit=st.booleans()).filter(lambda profile: profile.ballots > 0))
def test_what_is_written_is_read_again_and_written_alike(profile: Profile) -> None:
    text = abif.write(profile)
    again = read_profile(text.encode(), "votes.abif")
    assert again == profile
    assert abif.write(again) == text


@given(profiles(), st.data())
def test_the_order_of_arrival_leaves_no_trace(profile: Profile, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(profile.weights))))
    shuffled = Profile(
        profile.options, profile.ranks[order], profile.weights[order], profile.blank, profile.invalid, profile.implicit
    )
    assert abif.write(shuffled) == abif.write(profile)
