"""Voters with browsers of their own, so many of them at once; a process of its own, of the standard library alone.

Each opens the ballot's page, reads its form, casts, and reads the receipt; what is sent follows from the page alone.
Some mistype their code first, lose the connection before the answer, send the form twice, or change their minds.

Standard input: a JSON object as `Crowd` tells. Standard output: a JSON list with one `Told` for each voter.
"""

import asyncio
import html
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypedDict

from tests.plumbing.clients import HIDDEN, POSITION, Answer, Client

PLAIN, MISTYPED, LOST, TWICE, CHANGED = "plain", "mistyped", "lost", "twice", "changed"
WAYS = (PLAIN, MISTYPED, LOST, TWICE, CHANGED)
PAUSE_SECONDS = 0.2


class Voter(TypedDict):
    """One voter. code: as their slip shows it. wishes: names of options, best first, of each ballot they cast."""

    code: str
    way: str
    wishes: list[list[str]]


class Crowd(TypedDict):
    """Who votes, and where. path: of the ballot. wrong: a code of nobody, for whoever mistypes theirs."""

    base: str
    path: str
    at_once: int
    wrong: str
    voters: list[Voter]


class Told(TypedDict):
    """What became of one voter. said: what each answer to a cast said; pages and casts: milliseconds of each.

    receipts: as their pages showed them, the one that counts last. busy: how often they were told to come again.
    """

    said: list[str]
    receipts: list[str]
    pages: list[float]
    casts: list[float]
    busy: int


async def vote(crowd: Crowd) -> list[Told]:
    """Let so many voters at once vote, until all have."""
    told: list[Told] = [Told(said=[], receipts=[], pages=[], casts=[], busy=0) for _ in crowd["voters"]]
    waiting = iter(zip(crowd["voters"], told, strict=True))
    await asyncio.gather(*(_some(crowd, waiting) for _ in range(crowd["at_once"])))
    return told


def fill(page: str, wishes: Sequence[str]) -> dict[str, str]:
    """Fill in the ballot that a page holds, as a browser without scripts sends it.

    Raises: ValueError where there is none.
    """
    form = next((part for part in page.split("<form ") if 'name="position_1"' in part), None)
    if form is None:
        raise ValueError("there is no ballot on the page")
    named = [(field, html.unescape(name)) for field, name in POSITION.findall(form)]
    ranks = {field: f"{wishes.index(name) + 1 if name in wishes else 0:02}" for field, name in named}
    return dict(HIDDEN.findall(form)) | ranks


async def _some(crowd: Crowd, waiting: Iterator[tuple[Voter, Told]]) -> None:
    for voter, told in waiting:
        client = await Client.open(crowd["base"])
        try:
            await _vote(client, crowd, voter, told)
        except (ValueError, ConnectionError, asyncio.IncompleteReadError) as trouble:
            told["said"].append(f"{type(trouble).__name__}: {trouble}")
        client.close()


async def _vote(client: Client, crowd: Crowd, voter: Voter, told: Told) -> None:
    path = crowd["path"]
    for wishes in voter["wishes"]:
        began = time.perf_counter()
        page = await client.get(path)
        told["pages"].append((time.perf_counter() - began) * 1000)
        fields = fill(page.body, wishes)
        if not told["receipts"]:  # later the pass tells who it is
            fields |= {"code": voter["code"]}
        if voter["way"] == MISTYPED:
            told["said"].append(str((await client.post(path, fields | {"code": crowd["wrong"]})).status))
        if voter["way"] == LOST:
            await client.send_and_leave(path, fields)
        told["said"].append(_happened(await _cast(client, path, fields, told)))
        told["receipts"].append((await client.get(f"{path}/receipt")).receipt)
        if voter["way"] == TWICE:
            told["said"].append(_happened(await _cast(client, path, fields, told)))
            told["receipts"].append((await client.get(f"{path}/receipt")).receipt)


async def _cast(client: Client, path: str, fields: dict[str, str], told: Told) -> Answer:
    """Send a ballot; a house that says it is too busy took nothing, and is sent the same form again."""
    while True:
        began = time.perf_counter()
        answer = await client.post(path, fields)
        told["casts"].append((time.perf_counter() - began) * 1000)
        if answer.status != 503:
            return answer
        told["busy"] += 1
        await asyncio.sleep(PAUSE_SECONDS)


def _happened(answer: Answer) -> str:
    return answer.headers["location"].partition("?done=")[2] if answer.status == 303 else str(answer.status)


if __name__ == "__main__":
    json.dump(asyncio.run(vote(json.load(sys.stdin))), sys.stdout)
