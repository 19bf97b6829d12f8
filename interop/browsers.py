"""Headless browsers that run the page's turn: Chromium by WebDriver, Firefox by WebDriver BiDi."""

from __future__ import annotations

import asyncio
import base64
import functools
import http.server
import itertools
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable

import websocket
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from attachment import Unexpected
from conversation import check_intact
from harness import HOST, Case, Server, Unsupported
from realtime import RTPPacket, packetize

PAGE = Path(__file__).resolve().parent / "page"
TURN_SECONDS = 40
CLOSE_CODE = 7
CLOSE_REASON = "the turn is over"

Task = dict[str, Any]
Result = dict[str, Any]
Browser = Callable[[str, Task, Path], Result]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    # The type that a module must have, whatever this machine's table says.
    extensions_map = {".html": "text/html", ".js": "text/javascript"}

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def serve_page() -> http.server.ThreadingHTTPServer:
    """The page on http://127.0.0.1, which browsers count as a secure context."""
    handler = functools.partial(QuietHandler, directory=str(PAGE))
    server = http.server.ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def hold_turn(case: Case, browser: Browser, mode: str) -> None:
    """Lets the browser speak the clip to `parallax serve`, and judges what it got."""
    packets = packetize(case.opus_packets())
    page = serve_page()
    try:
        async with case.serve() as server:
            task = make_task(server, packets, mode)
            url = f"http://{HOST}:{page.server_port}/index.html"
            result = await asyncio.to_thread(browser, url, task, case.logs)
            await server.saw_close(CLOSE_CODE, CLOSE_REASON)
    finally:
        page.shutdown()
    print(f"ready after {result['ready_ms']:.0f} ms; at most {result['max_datagram_bytes']} bytes a datagram")
    print("<-", result["receipt"])
    assert result["mode"] == mode, result["mode"]
    check_intact(result["receipt"], packets, "webtransport", mode)
    check_echo([RTPPacket.decode(base64.b64decode(packet)) for packet in result["echo"]], packets)


def make_task(server: Server, packets: list[RTPPacket], mode: str) -> Task:
    return {
        "url": f"https://{HOST}:{server.port}/v1/realtime?model=echo",
        "hash": base64.b64encode(bytes.fromhex(server.certificate_sha256)).decode(),
        "packets": [base64.b64encode(packet.encode()).decode() for packet in packets],
        "mode": mode,
        "close": {"closeCode": CLOSE_CODE, "reason": CLOSE_REASON},
    }


def check_echo(echo: list[RTPPacket], packets: list[RTPPacket]) -> None:
    first = min(echo, key=lambda packet: packet.sequence - echo[0].sequence + 0x8000 & 0xFFFF).sequence
    in_order = sorted(echo, key=lambda packet: packet.sequence - first & 0xFFFF)
    assert [packet.payload for packet in in_order] == [packet.payload for packet in packets], "the echo differs"


def chromium(url: str, task: Task, logs: Path, *flags: str) -> Result:
    driver_path = shutil.which("chromedriver")
    if driver_path is None:
        raise Unsupported("no chromedriver here; 'make interop-setup' installs it")
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--log-net-log={logs / 'net-log.json'}",
        *flags,
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, Service(driver_path))
    try:
        driver.set_script_timeout(TURN_SECONDS)
        driver.get(url)
        outcome = driver.execute_async_script(
            """const [task, done] = arguments;
            holdTurn(task).then((result) => done({ result }), (failure) => done({ failure: String(failure) }));""",
            task,
        )
    finally:
        driver.quit()
    if "failure" in outcome:
        raise Unexpected(f"in the page: {outcome['failure']}")
    result: Result = outcome["result"]
    return result


def firefox(url: str, task: Task, logs: Path, **preferences: bool | int) -> Result:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise Unsupported("no Firefox here; 'make interop-setup' installs it")
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    with tempfile.TemporaryDirectory() as profile, open(logs / "firefox.txt", "w+") as output:
        Path(profile, "user.js").write_text("".join(lines))
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            bidi = BiDi(wait_for_bidi(logs / "firefox.txt"))
            return bidi.run_turn(url, task)
        finally:
            process.terminate()
            process.wait(10)


def wait_for_bidi(log: Path, seconds: float = 30) -> str:
    """The address that Firefox prints once it listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text()):
            return found.group(1)
        time.sleep(0.05)
    raise Unexpected(f"Firefox did not listen within {seconds} s")


class BiDi:
    """As much of a WebDriver BiDi client as it takes to run one function in one page."""

    def __init__(self, address: str) -> None:
        # Firefox refuses connections that name an origin.
        self._socket = websocket.create_connection(address + "/session", timeout=TURN_SECONDS, suppress_origin=True)
        self._numbers = itertools.count(1)
        # What came unasked, of what was subscribed to.
        self.events: list[dict[str, Any]] = []
        self._command("session.new", capabilities={})

    def subscribe(self, *events: str) -> None:
        self._command("session.subscribe", events=list(events))

    def open(self, url: str) -> str:
        """Loads a page, and answers its context."""
        [context] = self._command("browsingContext.getTree")["contexts"]
        self._command("browsingContext.navigate", context=context["context"], url=url, wait="complete")
        return str(context["context"])

    def evaluate(self, context: str, expression: str) -> Any:
        answer = self._command("script.evaluate", expression=expression, target={"context": context}, awaitPromise=False)
        if answer["type"] != "success":
            raise Unexpected(f"in the page: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def run_turn(self, url: str, task: Task) -> Result:
        target = {"context": self.open(url)}
        answer = self._command(
            "script.callFunction",
            functionDeclaration="async (task) => JSON.stringify(await holdTurn(JSON.parse(task)))",
            arguments=[{"type": "string", "value": json.dumps(task)}],
            awaitPromise=True,
            target=target,
        )
        if answer["type"] != "success":
            raise Unexpected(f"in the page: {answer['exceptionDetails']['text']}")
        turn: Result = json.loads(answer["result"]["value"])
        return turn

    def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("type") == "event":
                self.events.append(message)
            if message.get("id") != number:
                continue
            if message["type"] == "error":
                raise Unexpected(f"{method}: {message['error']}: {message['message']}")
            result: dict[str, Any] = message["result"]
            return result
