"""Runs a sweep in shards on Dask workers, and merges the rows into one summary.

    python3 -m venv .venv-dask && .venv-dask/bin/pip install --requirement interop/sweeps/requirements.txt
    .venv-dask/bin/python interop/sweeps/dask_sweep.py --shards 8 --out out -- --trials 200 --profile burst-10,random-10

What stands behind `--` goes to `parallax compare` as it is. Without `--scheduler` the workers are processes of this machine;
with the address of a Dask scheduler they are its own, and each needs the same program at the same path. A shard's rows
travel back as text, so the workers need no file system in common.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from distributed import Client, LocalCluster, as_completed


def run_shard(parallax: str, arguments: list[str], shard: int, shards: int) -> str:
    """One part of the sweep; gives its rows, a line of JSON each."""
    with tempfile.TemporaryDirectory() as out:
        command = [parallax, "compare", *arguments, "--shard", f"{shard}/{shards}", "--jobs", "1", "--out", out]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"shard {shard} of {shards} ended with status {done.returncode}: {done.stderr.strip()}")
        return Path(out, "trials.jsonl").read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parallax", default=".build/release/parallax", help="the program, on every worker")
    parser.add_argument("--scheduler", help="a Dask scheduler's address; local processes if not said")
    parser.add_argument("--shards", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("compare", nargs="*", help="arguments of parallax compare, behind --")
    options = parser.parse_args()
    parallax = str(Path(options.parallax).resolve())

    cluster = options.scheduler or LocalCluster(threads_per_worker=1, dashboard_address=None)
    with Client(cluster) as client:
        parts = [
            client.submit(run_shard, parallax, options.compare, shard, options.shards, pure=False, retries=2)
            for shard in range(1, options.shards + 1)
        ]
        options.out.mkdir(parents=True, exist_ok=True)
        files = []
        # In the order in which they are done: the rows know their places.
        for number, part in enumerate(as_completed(parts), 1):
            files.append(options.out / f"shard-{number}.jsonl")
            files[-1].write_text(part.result())
            print(f"{number} of {options.shards} shards", flush=True)
    merge = [parallax, "compare", "--out", str(options.out)]
    for file in files:
        merge += ["--rows", str(file)]
    subprocess.run(merge, check=True)
    for file in files:
        file.unlink()


if __name__ == "__main__":
    main()
