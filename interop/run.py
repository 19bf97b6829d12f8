"""Runs the interop cases and prints a line for each.

    .venv/bin/python interop/run.py                     all cases
    .venv/bin/python interop/run.py --fast              those that need no browser
    .venv/bin/python interop/run.py aioquic_roq         one peer's
    .venv/bin/python interop/run.py aioquic_roq.stream  one

Each case has a process of its own, a time limit, and a folder OUT/interop/PEER/CASE with its log, qlog and key
files. OUT/interop.json holds the results. The exit status is 1 when a case failed and 2 when none could be run.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNSUPPORTED = 127


@dataclass(frozen=True)
class Peer:
    """A folder of cases."""

    name: str
    is_fast: bool
    limit_seconds: float


PEERS = [
    Peer("aioquic_webtransport", is_fast=True, limit_seconds=30),
    Peer("aioquic_roq", is_fast=True, limit_seconds=30),
    Peer("aioquic_server", is_fast=True, limit_seconds=40),
    Peer("aioquic_http3", is_fast=True, limit_seconds=60),
    Peer("aioquic_quic", is_fast=True, limit_seconds=60),
    Peer("curl", is_fast=True, limit_seconds=30),
    Peer("aiortc_client", is_fast=True, limit_seconds=40),
    Peer("aiortc_server", is_fast=True, limit_seconds=40),
    Peer("whip", is_fast=True, limit_seconds=40),
    Peer("wrtc_client", is_fast=True, limit_seconds=60),
    Peer("openai_python", is_fast=True, limit_seconds=40),
    Peer("websockets_client", is_fast=True, limit_seconds=60),
    Peer("websockets_server", is_fast=True, limit_seconds=40),
    Peer("one_port", is_fast=True, limit_seconds=60),
    Peer("webrtc_attacks", is_fast=True, limit_seconds=60),
    Peer("chromium", is_fast=False, limit_seconds=90),
    Peer("firefox", is_fast=False, limit_seconds=90),
]


@dataclass(frozen=True)
class Script:
    """One case, as it lies on the disk."""

    peer: Peer
    path: Path

    @property
    def name(self) -> str:
        return f"{self.peer.name}.{self.path.stem}"

    @property
    def title(self) -> str:
        return (ast.get_docstring(ast.parse(self.path.read_text())) or "").splitlines()[0]


@dataclass(frozen=True)
class Result:
    """One row of interop.json."""

    case: str
    title: str
    result: str
    milliseconds: int
    reason: str
    log: str


def find_scripts(names: list[str], fast: bool) -> list[Script]:
    """The cases that were asked for, in the order of PEERS."""
    scripts = [Script(peer, path) for peer in PEERS for path in sorted((HERE / peer.name).glob("*.py"))]
    if fast:
        scripts = [script for script in scripts if script.peer.is_fast]
    unknown = set(names) - {script.name for script in scripts} - {script.peer.name for script in scripts}
    if unknown:
        sys.exit(f"interop: no such case or peer: {', '.join(sorted(unknown))}; --list names all")
    return [script for script in scripts if not names or {script.name, script.peer.name} & set(names)]


def run_script(script: Script, parallax: Path, out: Path) -> Result:
    folder = out / "interop" / script.peer.name / script.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in [*folder.glob("*.qlog"), *folder.glob("*.sqlog"), *folder.glob("*.keys")]:
        leftover.unlink()
    log = folder / "log.txt"
    command = [sys.executable, "-m", script.name, "--parallax", str(parallax), "--logs", str(folder)]
    started = time.monotonic()
    with open(log, "w") as output:
        # A session of its own, so that at the time limit its browser and server end with it.
        process = subprocess.Popen(
            command,
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        try:
            status = process.wait(script.peer.limit_seconds)
        except subprocess.TimeoutExpired:
            status = None
        end_group(process)
    milliseconds = round((time.monotonic() - started) * 1000)
    lines = log.read_text(errors="replace").splitlines() or [""]
    match status:
        case 0:
            result, reason = "PASS", ""
        case 127:
            result, reason = "UNSUPPORTED", lines[-1].removeprefix("UNSUPPORTED ")
        case None:
            result, reason = "FAIL", f"not over after {script.peer.limit_seconds:g} s"
        case _:
            failures = [line for line in lines if line.startswith("FAIL ")] or [f"exit status {status}"]
            result, reason = "FAIL", failures[-1].removeprefix("FAIL ")
    return Result(script.name, script.title, result, milliseconds, reason, str(log))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the session that `process` leads."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def version(*command: str) -> str | None:
    """What a program says about its version, or nothing when it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout)
    return found.group() if found else None


def versions() -> dict[str, str | None]:
    return {
        "commit": git_commit(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("aioquic", "aiortc", "wrtc", "websockets", "openai")},
        "chromium": version("chromium", "--version"),
        "firefox": version("firefox-esr", "--version"),
    }


def git_commit() -> str | None:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CASE", help="a case or a peer; all when none is given")
    parser.add_argument("--parallax", type=Path, default=HERE.parent / ".build/release/parallax")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--fast", action="store_true", help="leave the browsers out")
    parser.add_argument(
        "--jobs", type=int, default=4, help="cases at a time; most of them wait for speech to be played"
    )
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    options = parser.parse_args()

    scripts = find_scripts(options.names, options.fast)
    if options.list:
        for script in scripts:
            print(f"{script.name:42} {script.title}")
        return
    if not options.parallax.exists():
        print(f"interop: no program at {options.parallax}; 'make build' makes it", file=sys.stderr)
        sys.exit(2)

    parallax, out = options.parallax.resolve(), options.out.resolve()
    results: list[Result] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda script: run_script(script, parallax, out), scripts):
            results.append(result)
            print(f"{result.result:11} {result.milliseconds:6} ms  {result.case:42} {result.reason}", flush=True)

    document = {"schema": 1, "versions": versions(), "cases": [asdict(result) for result in results]}
    (out / "interop.json").write_text(json.dumps(document, indent=1) + "\n")
    counts = {name: sum(result.result == name for result in results) for name in ("PASS", "FAIL", "UNSUPPORTED")}
    print(", ".join(f"{count} {name}" for name, count in counts.items() if count), f"-> {out / 'interop.json'}")
    sys.exit(1 if counts["FAIL"] else 2 if not counts["PASS"] else 0)


if __name__ == "__main__":
    main()
