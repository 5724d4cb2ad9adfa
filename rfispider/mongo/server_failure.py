"""Why a `mongod` did not start, in words for a person: from its exit code, its output and its log."""

import json
import re
import signal
from pathlib import Path

from rfispider.mongo.server_binary import ALTERNATIVES

_HINTS = (
    (r"libcurl", "the library libcurl is missing: install the package libcurl4"),
    (r"libcrypto|libssl", "OpenSSL 3 is missing: install the package libssl3"),
    (r"GLIBC_\S+' not found", "this mongod needs a newer C library (glibc) than this system has"),
    (r"No space left|[Oo]ut of disk|DISK_SPACE", "the disk is full"),
    (r"DBPathInUse|lock file.*in use", "another mongod already uses this directory"),
    (r"Permission denied|IllegalOperation.*lock file|READ_ONLY", "the directory may not be written by this user"),
    (
        r"featureCompatibilityVersion|Wrong mongod version|unsupported version",
        "another version of mongod wrote the data",
    ),
)
"""What mongod prints when it dies, and the sentence for a person."""

_LOG_LINES = 5
_LINE_CHARACTERS = 500


def cause(exit_code: int, output: str) -> str:
    """Why a start failed, from the exit code of mongod (negative: a signal) and what it printed."""
    if exit_code == -signal.SIGILL:
        return "this processor lacks an instruction set that mongod needs (AVX)"
    return next((hint for pattern, hint in _HINTS if re.search(pattern, output)), f"exit code {exit_code}")


def message(fault: str, output: str, log: Path) -> str:
    """The message for a start that failed, with the last lines that the server wrote."""
    lines = "\n".join(f"  {line}" for line in output.splitlines() if line.strip())
    return f"The embedded MongoDB did not start: {fault}; {ALTERNATIVES}. Its log is {log}:\n{lines}"


def last_errors(log: Path) -> str:
    """The last errors in a log of mongod, or its last lines when it holds none, one readable line each."""
    try:
        records = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    errors = [line for line in records if '"s":"E"' in line or '"s":"F"' in line]
    return "\n".join(_readable(line) for line in (errors or records)[-_LOG_LINES:])


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        attributes = json.dumps(record.get("attr", {}), ensure_ascii=False)
        return f"{record['msg']} {attributes}"[:_LINE_CHARACTERS]
    except (ValueError, KeyError, TypeError):
        return line[:_LINE_CHARACTERS]
