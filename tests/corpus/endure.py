"""Runs all hostile inputs through the command, one after the other, and prints what came of them as JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from hostile import HOSTILE, judge
from runs import UP, VALIDATE, counting, slx


def main(root: Path) -> None:
    wrong = []
    with counting() as endpoint:
        for number, one in enumerate(HOSTILE):
            home = root / str(number)
            home.mkdir()
            one.make(home)
            there = sorted(home.iterdir())
            os.chdir(home)
            for words in (VALIDATE, UP) if number % 4 == 0 else (VALIDATE,):  # the long matrix takes all
                said = slx(endpoint, *words)
                if found := judge(one, said.code, said.out + said.err):
                    wrong.append(f"{one.id}: slx {words[0]}: {found}")
            if sorted(home.iterdir()) != there:
                wrong.append(f"{one.id}: it left something")
            os.chdir(root)
            shutil.rmtree(home)
    print(json.dumps({"tried": len(HOSTILE), "came": len(endpoint.came), "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
