"""Other people's counters: what they answered on piles that are the same each time, recorded; and asking them again."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-oracles" / "bin" / "python"
PILES = 200

Pile = dict[str, Any]


@dataclass(frozen=True)
class Oracle:
    """One program in tests/oracles, and its answers in tests/vectors/oracles.

    make_piles: so many piles, always the same ones. python: the interpreter that has the other's library.
    """

    name: str
    make_piles: Callable[[int], list[Pile]]
    python: Path = PYTHON

    @property
    def recorded(self) -> list[tuple[Pile, Any]]:
        """The piles that were asked about, each with the answer."""
        return [(pile, answer) for pile, answer in json.loads(self._file.read_text(encoding="utf-8"))]

    def ask(self, piles: list[Pile]) -> list[Any]:
        """Ask the program now."""
        program = [self.python, ROOT / "tests" / "oracles" / f"{self.name}.py"]
        done = subprocess.run(program, input=json.dumps(piles), capture_output=True, text=True, check=True)
        return list(json.loads(done.stdout))

    def still_agrees(self, number: int = 20) -> bool:
        """Tell whether it answers about the first piles as it did when it was recorded."""
        first = self.recorded[:number]
        return self.ask([pile for pile, _ in first]) == [answer for _, answer in first]

    def record(self) -> None:
        """Write the answers anew, one pile a line."""
        piles = self.make_piles(PILES)
        lines = (json.dumps(pair, separators=(",", ":")) for pair in zip(piles, self.ask(piles), strict=True))
        self._file.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

    @property
    def _file(self) -> Path:
        return ROOT / "tests" / "vectors" / "oracles" / f"{self.name}.json"
