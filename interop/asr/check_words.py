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
    references = {}
    for answer in answers:
        # An answer without an error is, word for word, what was said in its clip.
        if "words" in answer and answer["substitutions"] + answer["deletions"] + answer["insertions"] == 0:
            references[answer["clip"]] = answer["normalised"]
    references |= {clip: text for clip, text in (argument.split("=", 1) for argument in sys.argv[2:])}
    checked = differently_divided = 0
    for answer in answers:
        reference = references.get(answer["clip"])
        if reference is None:
            continue
        theirs = jiwer.process_words(reference, answer["normalised"])
        ours = (answer["substitutions"], answer["deletions"], answer["insertions"])
        assert sum(ours) == theirs.substitutions + theirs.deletions + theirs.insertions, (answer, theirs)
        assert answer["words"] == len(reference.split()), answer
        checked += 1
        differently_divided += ours != (theirs.substitutions, theirs.deletions, theirs.insertions)
    if not checked:
        sys.exit("no clip was heard without error: name what was said, as in CLIP='the words'")
    print(f"{checked} of {len(answers)} texts have jiwer's word errors; {differently_divided} divide them otherwise")


if __name__ == "__main__":
    main(sys.argv[1])
