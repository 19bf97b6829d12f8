"""Holds the word errors of an `asr.jsonl` against jiwer's, line by line and added up.

    .venv-asr/bin/python interop/asr/check_words.py out/asr.jsonl

The words are those that Parallax normalised: what is checked is the alignment. How errors of equal number divide into
substitutions, deletions and insertions is a choice where several ways are equally short, so only their sum must agree.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jiwer


def main(path: str) -> None:
    answers = [json.loads(line) for line in Path(path).read_text().splitlines()]
    checked = [answer for answer in answers if "said" in answer]
    if not checked:
        sys.exit("no clip has a transcript: nothing to check")
    divided_otherwise = 0
    for answer in checked:
        theirs = jiwer.process_words(answer["said"], answer["normalised"])
        parts = (theirs.substitutions, theirs.deletions, theirs.insertions)
        ours = (answer["substitutions"], answer["deletions"], answer["insertions"])
        assert sum(ours) == sum(parts), (answer, theirs)
        assert answer["words"] == len(answer["said"].split()), answer
        divided_otherwise += ours != parts
    print(f"{len(checked)} of {len(answers)} texts have jiwer's word errors; {divided_otherwise} divide them otherwise")


if __name__ == "__main__":
    main(sys.argv[1])
