"""Runs the Splash 3.5 server (of 2020) on a Python and libraries of today; its own package stays as it is.

Run by the interpreter of `.venv-splash` (`make splash`), with the options of Splash:
`python tests/support/splash_server.py --ip 127.0.0.1 --port 8050`.
"""

import importlib
import json
import sys
from functools import wraps
from typing import Any


def forgive_encoding() -> None:
    """Let `json.loads` take the `encoding` that Splash gives it with every POST; Python 3.9 has removed it."""
    loads = json.loads

    @wraps(loads)
    def forgiving(document: Any, *, encoding: str | None = None, **options: Any) -> Any:
        return loads(document, **options)

    json.loads = forgiving


def speak_lua_52() -> None:
    """Give Splash the Lua that its own modules are written for; lupa takes the newest it has otherwise."""
    sys.modules["lupa"] = importlib.import_module("lupa.lua52")


def round_timers() -> None:
    """Let timers take a float of milliseconds; since Python 3.10 PyQt5 refuses it instead of rounding it."""
    core = importlib.import_module("PyQt5.QtCore")
    timer = core.QTimer

    class Timer(timer):  # type: ignore[misc, valid-type]
        """A timer that takes any number."""

        def start(self, *milliseconds: float) -> None:
            super().start(*map(int, milliseconds))

        @staticmethod
        def singleShot(milliseconds: float, *receiver: Any) -> None:  # noqa: N802 - named by Qt
            timer.singleShot(int(milliseconds), *receiver)

    core.QTimer = Timer


if __name__ == "__main__":
    forgive_encoding()
    speak_lua_52()
    round_timers()
    sys.exit(importlib.import_module("splash.server").main())
