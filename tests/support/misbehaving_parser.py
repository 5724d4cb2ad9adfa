"""What reads a page in a process of its own as the page says: for ever, not at all, or as it should."""

import os
import threading

from rfispider.items import Outcome, Rejection


def read(raw: bytes) -> Rejection:
    if raw == b"hangs":
        threading.Event().wait()
    if raw == b"dies":
        os._exit(3)
    if raw == b"fails":
        raise KeyError("url")
    return Rejection(outcome=Outcome.EMPTY, reason="fine")
