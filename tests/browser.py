"""A headless Chromium, driven over a pipe in its DevTools protocol; nothing but Python is needed.

The protocol is at https://chromedevtools.github.io/devtools-protocol: messages are JSON, each with
a zero byte at its end.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import threading
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120  # seconds for one answer; more means that the browser hangs
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
    "--force-device-scale-factor=1", "--remote-debugging-pipe",
)  # fmt: skip
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32, "Tab": 9, "Enter": 13}


def chromium():
    """The path of a browser; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def _started(folder, to_browser, from_browser):
    """The number of a browser's process, which reads its file 3 and writes to its file 4."""
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_browser, from_browser)]
    process = os.posix_spawn(
        chromium(), [chromium(), *FLAGS, f"--user-data-dir={folder}", "about:blank"], os.environ,
        file_actions=[
            *((os.POSIX_SPAWN_OPEN, k, os.devnull, os.O_RDWR, 0) for k in (0, 1, 2)),
            (os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4),
        ],
    )  # fmt: skip
    for end in (to_browser, from_browser, *ends):
        os.close(end)
    return process


class Browser:
    """One browser with one page."""

    def __init__(self):
        to_browser, self._send = os.pipe()
        self._receive, from_browser = os.pipe()
        self._folder = tempfile.mkdtemp(prefix="browser-")
        self._process = _started(self._folder, to_browser, from_browser)
        self.events = []
        self._answers = {}
        self._count = 0
        self._arrived = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def _read(self):
        waiting = b""
        with contextlib.suppress(OSError):
            while data := os.read(self._receive, 1 << 16):
                *messages, waiting = (waiting + data).split(b"\0")
                with self._arrived:
                    for message in map(json.loads, messages):
                        if "id" in message:
                            self._answers[message["id"]] = message
                        else:
                            self.events.append(message)
                    self._arrived.notify_all()

    def _call(self, method, parameters=None, session=None):
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters or {}}
        message |= {"sessionId": session} if session else {}
        os.write(self._send, json.dumps(message).encode() + b"\0")
        with self._arrived:
            if not self._arrived.wait_for(lambda: number in self._answers, PATIENCE):
                raise TimeoutError(method)
            answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def call(self, method, **parameters):
        """A command of the protocol to the page."""
        return self._call(method, parameters, self._session)

    def open(self, path, width=1280, height=800, scheme="light"):
        """Load a file, in a window of a size and in light or dark colours."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])  # fmt: skip
        self.events.clear()
        self.call("Page.navigate", url=f"file://{path}")
        self._wait(lambda: any(e["method"] == "Page.loadEventFired" for e in self.events))

    def _wait(self, is_reached):
        with self._arrived:
            if not self._arrived.wait_for(is_reached, PATIENCE):
                raise TimeoutError("the page did not load")

    def run(self, script):
        """The value of a JavaScript expression in the page, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key, shift=False):
        """Press a key of KEYS, or type a character."""
        event = {"key": key, "windowsVirtualKeyCode": KEYS.get(key, 0), "modifiers": 8 * shift}
        text = {" ": " ", "Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {})
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def screenshot(self, path, whole=False):
        """A picture of the window, or of the whole page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)[
            "data"
        ]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def requests(self):
        """The addresses that were asked for since the page was opened."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]  # fmt: skip

    def complaints(self):
        """What the console and the browser's log have to say."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [event["params"] for event in self.events if event["method"] in kinds]

    def close(self):
        """End the browser and remove its folder."""
        with contextlib.suppress(Exception):
            self._call("Browser.close")
        os.waitpid(self._process, 0)
        os.close(self._send)
        for _ in range(5):  # its children may still be writing
            shutil.rmtree(self._folder, ignore_errors=True)
            if not os.path.exists(self._folder):
                break
            time.sleep(0.2)
