"""The report of `parallax compare` in a browser: every chart is drawn, nothing is fetched, and the console stays silent."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from attachment import Unexpected
from browsers import BiDi, wait_for_bidi
from harness import Case, Unsupported

SWEEP = ["--transport", "webtransport,webrtc", "--mode", "datagram,stream", "--profile", "clean,burst-10", "--trials", "3"]
DRAW_SECONDS = 40
DRAWN = "[document.body.dataset.drawn ?? '', document.querySelectorAll('.chart svg.main-svg').length].join(' ')"


@dataclass
class Sight:
    """What a browser saw of a page."""

    drawn: str = ""
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


async def hold_report(case: Case, browser: Callable[[str, Path], Sight]) -> None:
    """Lets the browser draw a small sweep's report, and judges what it saw."""
    report = await make_report(case)
    text = report.read_text()
    places = len(re.findall(r'data-chart="\d+"', text))
    assert places > 10, places
    sight = await asyncio.to_thread(browser, report.as_uri(), case.logs)
    print(sight)
    number, pictures = (int(word) for word in sight.drawn.split())
    assert number == places and pictures >= places, f"{sight.drawn}, and {places} places for charts"
    assert not sight.complaints, sight.complaints
    assert {address for address in sight.requests if not address.startswith("data:")} <= {report.as_uri()}, sight.requests


async def make_report(case: Case) -> Path:
    out = case.logs / "report"
    process = await asyncio.create_subprocess_exec(
        case.binary, "compare", *SWEEP, "--out", out, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    print(output.decode())
    if process.returncode != 0:
        raise Unexpected(f"parallax compare ended with status {process.returncode}")
    if b"report.html was not written" in output:
        raise Unsupported("no charting library here; 'make charts' installs it")
    return out.resolve() / "report.html"


def chromium(url: str, logs: Path) -> Sight:
    driver_path = shutil.which("chromedriver")
    if driver_path is None:
        raise Unsupported("no chromedriver here; 'make interop' installs it")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(driver_path))
    try:
        sight = Sight()
        driver.get(url)
        wait_until_drawn(sight, lambda: str(driver.execute_script(f"return {DRAWN}")))
        sight.complaints = [entry["message"] for entry in driver.get_log("browser")]
        for entry in driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                sight.requests.append(message["params"]["request"]["url"])
        driver.get_screenshot_as_file(str(logs / "report.png"))
    finally:
        driver.quit()
    return sight


def firefox(url: str, logs: Path) -> Sight:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise Unsupported("no Firefox here; 'make interop' installs it")
    with tempfile.TemporaryDirectory() as profile, open(logs / "firefox.txt", "w+") as output:
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            browser = BiDi(wait_for_bidi(logs / "firefox.txt"))
            sight = Sight()
            browser.subscribe("log.entryAdded", "network.beforeRequestSent")
            context = browser.open(url)
            wait_until_drawn(sight, lambda: str(browser.evaluate(context, DRAWN)))
            for event in browser.events:
                if event["method"] == "log.entryAdded":
                    sight.complaints.append(event["params"]["text"])
                elif event["params"].get("context") == context:
                    sight.requests.append(event["params"]["request"]["url"])
            return sight
        finally:
            process.terminate()
            process.wait(10)


def wait_until_drawn(sight: Sight, look: Callable[[], str]) -> None:
    deadline = time.monotonic() + DRAW_SECONDS
    while time.monotonic() < deadline:
        sight.drawn = look()
        if not sight.drawn.startswith(" "):
            return
        time.sleep(0.2)
    raise Unexpected(f"the charts were not drawn within {DRAW_SECONDS} s")
