"""How a log is written: one line an event, without the internals of Scrapy, and never with a secret in it."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from scrapy import Spider
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from rfispider.concurrency.process_globals import make_log_records, silence_loggers
from rfispider.setting_values import SettingError, json_wanted
from rfispider.text import readable_urls, visible

CHATTER = (
    "scrapy.addons",
    "scrapy.core.engine",
    "scrapy.crawler",
    "scrapy.middleware",
    "scrapy.utils.log",
)
"""Loggers whose INFO records concern only developers of Scrapy."""

SECRET_URLS = ("RFI_ALERT_WEBHOOK", "RFI_ALERT_SLACK")
"""Settings whose whole URL is a secret: whoever knows it may post there."""

MIN_SECRET_LENGTH = 4
"""Characters of the shortest password that is redacted on its own; a shorter one is part of many words."""

_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*:[^\s/?#\"'<>]*@")
"""The user and password of a URL (RFC 3986, 3.2.1); characters that end the authority stand encoded there."""

_PASSWORD = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/@:]*:(.*)@")
"""The password of a URL, up to the last @: one that should have been encoded is a secret too."""

_DELIMITERS = re.compile(r"[/@:?#]")


class LogLines(LogFormatter):
    """Describes a dropped page by its URL and outcome, never by its content."""

    def dropped(
        self,
        item: Any,
        exception: BaseException,
        response: Response | Failure | None,
        spider: Spider,
    ) -> LogFormatterResult:
        """Log why a page gave no article; the exception names the page."""
        line = super().dropped(item, exception, response, spider)
        return {**line, "msg": "%(exception)s", "args": {"exception": exception}}


class TextFormatter(logging.Formatter):
    """One line an event, for people: URLs as they are read, and no secret anywhere in a message or traceback."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings["LOG_FORMAT"], settings["LOG_DATEFORMAT"])
        self.secrets = spellings(secrets_of(settings))

    def format(self, record: logging.LogRecord) -> str:
        """The record as text without secrets."""
        return visible(readable_urls(redacted(super().format(record), self.secrets)))


class JsonLogFormatter(JsonFormatter):
    """One object a line: at (ISO 8601, UTC), level, logger, message, and exc_info, due, done or run where there are."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="at",
            json_ensure_ascii=False,
            # Objects of Scrapy, which mean nothing outside the process.
            reserved_attrs=[*RESERVED_ATTRS, "spider", "crawler"],
        )
        self.secrets = spellings(secrets_of(settings))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields of a record without secrets; before they are encoded, for that would disguise them."""
        return {name: self.cleaned(value) for name, value in log_data.items()}

    def cleaned(self, value: Any) -> Any:
        """A value in which no text holds a secret."""
        if isinstance(value, str):
            return visible(redacted(value, self.secrets))
        if isinstance(value, Mapping):
            return {name: self.cleaned(each) for name, each in value.items()}
        return [self.cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets and without the user and password of any URL."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _CREDENTIALS.sub(r"\1***@", text)


def secrets_of(settings: Mapping[str, Any]) -> set[str]:
    """What must not be logged: the passwords of the URLs among the settings, and the URLs that are secrets."""
    urls = {name: value.strip() for name in settings if isinstance(value := settings[name], str) and "://" in value}
    passwords = {match[1] for url in urls.values() if (match := _PASSWORD.match(url))}
    # A delimiter that was not encoded splits the URL, and an error message quotes the piece that cannot be used.
    pieces = {piece for password in passwords for piece in _DELIMITERS.split(password)}
    return passwords | pieces | {urls[name] for name in SECRET_URLS if name in urls}


def spellings(secrets: Iterable[str]) -> list[str]:
    """Every form in which a secret may appear in a log, the longest first: encoded, decoded, quoted."""
    plain = {form for secret in secrets for form in (secret, unquote_plus(secret))}
    plain = {form for form in plain if len(form) >= MIN_SECRET_LENGTH}
    quoted = {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in plain for ascii_only in (True, False)}
    return sorted(plain | quoted | {repr(form)[1:-1] for form in plain}, key=len, reverse=True)


def install(settings: BaseSettings) -> None:
    """Write the log where and in the format that the settings ask for, without secrets.

    Replaces Scrapy's own handler, whose format cannot be chosen (`LOG_INSTALL_ROOT_HANDLER` is off).

    Raises:
        SettingError: an unknown format or level.

    """
    handler = handler_of(settings)
    handler.setFormatter(JsonLogFormatter(settings) if json_wanted(settings) else TextFormatter(settings))
    try:
        handler.setLevel(settings["LOG_LEVEL"])
    except ValueError as error:
        raise SettingError(f"RFI_LOG_LEVEL: {error}") from error
    # At DEBUG the driver logs every command, with whole pages in it.
    logging.getLogger("pymongo").setLevel(logging.INFO)
    # No record is even made of what the handler would drop.
    logging.root.setLevel(handler.level)
    logging.root.addHandler(handler)


def handler_of(settings: BaseSettings) -> logging.Handler:
    """Where the log goes: a file, standard error, or nowhere."""
    if settings["LOG_FILE"]:
        mode = "a" if settings.getbool("LOG_FILE_APPEND") else "w"
        return logging.FileHandler(settings["LOG_FILE"], mode=mode, encoding=settings["LOG_ENCODING"])
    return logging.StreamHandler() if settings.getbool("LOG_ENABLED") else logging.NullHandler()


class SafeLogRecord(logging.LogRecord):
    """A record whose message shows control characters instead of passing them on to a terminal."""

    def getMessage(self) -> str:  # noqa: N802 - named by logging
        """The message without control characters."""
        return visible(super().getMessage())


def make_records_safe() -> None:
    """Make every later log record a safe one, whichever handler writes it."""
    make_log_records(SafeLogRecord)


def hide_start_up() -> None:
    """Keep Scrapy's start-up records out of a log at INFO; warnings still show, and DEBUG shows everything."""
    silence_loggers(CHATTER, up_to=logging.INFO)
