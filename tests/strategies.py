"""Shared strategies: piles of ballots as a property wants them, small enough that ties and circles are common."""

from hypothesis import strategies as st

from ballots.counting.types import UNRANKED, Profile, close_up, is_option_name

WORDS = st.text(max_size=8) | st.sampled_from(
    ["A, B", 'say "no"', "[C]", "#4", "ბიბლიოთეკა", "المكتبة", "c1", "7:a>b=c", "\\"]
)
ALWAYS = st.just(True)
option_names = WORDS.filter(is_option_name)
"""Names as wild as the forms allow: commas, quotes, brackets, signs that mean something in a file, other scripts."""


@st.composite
def profiles(
    draw: st.DrawFn,
    *,
    names: st.SearchStrategy[str] = option_names,
    max_options: int = 6,
    max_rows: int = 8,
    implicit: st.SearchStrategy[bool] = ALWAYS,
) -> Profile:
    """Draw a profile with equal ranks, partial, blank and invalid ballots."""
    options = draw(st.lists(names, min_size=1, max_size=max_options, unique=True))
    rank = st.none() | st.integers(1, len(options))
    row = st.lists(rank, min_size=len(options), max_size=len(options)).map(close_up)
    rows = draw(st.dictionaries(row, st.integers(1, 9), max_size=max_rows))
    few = st.integers(0, 3)
    return Profile.of_rows(options, rows, blank=draw(few), invalid=draw(few), implicit=draw(implicit))


def relabel(profile: Profile, order: list[int]) -> Profile:
    """Write the same ballots down with the options in another order."""
    return Profile(
        tuple(profile.options[i] for i in order),
        profile.ranks[:, order],
        profile.weights,
        profile.blank,
        profile.invalid,
        profile.implicit,
    )


def add_twin(profile: Profile, of: int, name: str) -> Profile:
    """Add an option that every voter ranks exactly as another one."""
    rows = {row + row[of : of + 1]: weight for row, weight in profile.rows().items()}
    return Profile.of_rows((*profile.options, name), rows, blank=profile.blank, implicit=profile.implicit)


def plain_pairs(profile: Profile) -> list[list[int]]:
    """Count the comparisons as one would by hand, ballot by ballot."""
    m = len(profile.options)
    counts = [[0] * m for _ in range(m)]
    for row, weight in profile.rows().items():
        for i in range(m):
            for j in range(m):
                if row[i] < row[j] and (profile.implicit or row[j] != UNRANKED):
                    counts[i][j] += weight
    return counts
