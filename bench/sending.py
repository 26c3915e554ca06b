"""Send prepared requests over many connections for some seconds; a process of its own, of the standard library alone.

Standard input: a JSON object with host, port, clients, seconds and requests (whole HTTP/1.1 requests as text).
Standard output: a JSON list of the seconds it took, and one entry an answer: [number, milliseconds, status, head].
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import TypedDict


class Plan(TypedDict):
    """What to send, and where to."""

    host: str
    port: int
    clients: int
    seconds: float
    requests: list[str]


Answer = tuple[int, float, int, str]


async def send(plan: Plan) -> tuple[float, list[Answer]]:
    """Let each client take the next request until the time is over. Whatever was begun is waited for."""
    waiting = iter(enumerate(request.encode() for request in plan["requests"]))
    doors = [await asyncio.open_connection(plan["host"], plan["port"]) for _ in range(plan["clients"])]
    answers: list[Answer] = []
    began = time.perf_counter()
    await asyncio.gather(*(_send_some(*door, waiting, began + plan["seconds"], answers) for door in doors))
    return time.perf_counter() - began, answers


async def _send_some(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[tuple[int, bytes]],
    until: float,
    answers: list[Answer],
) -> None:
    while (began := time.perf_counter()) < until and (one := next(waiting, None)) is not None:
        number, request = one
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((line for line in head.lower().splitlines() if line.startswith("content-length:")), ":0")
        await reader.readexactly(int(length.partition(":")[2]))
        answers.append((number, (time.perf_counter() - began) * 1000, int(head.split(" ", 2)[1]), head))
    writer.close()


if __name__ == "__main__":
    json.dump(asyncio.run(send(json.load(sys.stdin))), sys.stdout)
