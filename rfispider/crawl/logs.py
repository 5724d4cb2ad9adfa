"""What a log says: one line an event, nothing that only a developer of Scrapy wants to know, and never a secret."""

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

from rfispider.settings import SettingError, json_wanted
from rfispider.text import visible

CHATTER = (
    "scrapy.addons",
    "scrapy.core.engine",
    "scrapy.crawler",
    "scrapy.middleware",
    "scrapy.utils.log",
)
"""Loggers that say at INFO what only a developer of Scrapy wants to know."""

SECRET_URLS = ("RFI_ALERT_WEBHOOK", "RFI_ALERT_SLACK")
"""Settings whose whole URL is a secret: who knows it may post there."""

LEAST_SECRET = 4
"""Characters of the shortest password that is looked for on its own; a shorter one is part of many words."""

_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*:[^\s/?#\"'<>]*@")
"""The user and password of a URL (RFC 3986, 3.2.1); characters that end the authority stand encoded there."""

_PASSWORD = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/@:]*:(.*)@")
"""The password of a URL, up to the last @: one that should have been encoded is a secret too."""

_DELIMITERS = re.compile(r"[/@:?#]")


class LogLines(LogFormatter):
    """Tells of a page by its address and what came of it, never by its content."""

    def dropped(
        self,
        item: Any,  # noqa: ANN401 - as Scrapy calls it
        exception: BaseException,
        response: Response | Failure | None,
        spider: Spider,
    ) -> LogFormatterResult:
        """Say why a page gave no article; the exception names the page."""
        told = super().dropped(item, exception, response, spider)
        return {**told, "msg": "%(exception)s", "args": {"exception": exception}}


class TextFormatter(logging.Formatter):
    """One line an event, for people; no secret, wherever in a message or traceback it stands."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings["LOG_FORMAT"], settings["LOG_DATEFORMAT"])
        self.secrets = spellings(secrets_of(settings))

    def format(self, record: logging.LogRecord) -> str:
        """The record as text without secrets."""
        return visible(redacted(super().format(record), self.secrets))


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

    def cleaned(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
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
    """What must not be told: the passwords of the URLs among the settings, and the URLs that are secrets."""
    values = {name: value for name in settings if isinstance(value := settings[name], str) and "://" in value}
    passwords = {found[1] for value in values.values() if (found := _PASSWORD.match(value.strip()))}
    # What should have been encoded tears a URL apart, and its reader tells of the piece that he cannot use.
    pieces = {piece for password in passwords for piece in _DELIMITERS.split(password)}
    return passwords | pieces | {values[name].strip() for name in SECRET_URLS if name in values}


def spellings(secrets: Iterable[str]) -> list[str]:
    """Every form in which a secret may stand in a log, the longest first: encoded, decoded, quoted."""
    plain = {form for secret in secrets for form in (secret, unquote_plus(secret))}
    plain = {form for form in plain if len(form) >= LEAST_SECRET}
    quoted = {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in plain for ascii_only in (True, False)}
    return sorted(plain | quoted | {repr(form)[1:-1] for form in plain}, key=len, reverse=True)


def install(settings: BaseSettings) -> None:
    """Have the log written where and in the form that the settings ask for, without secrets.

    It takes the place of Scrapy's own handler, whose form cannot be chosen (`LOG_INSTALL_ROOT_HANDLER` is off).

    Raises:
        SettingError: a form or level that there is not.

    """
    handler = handler_of(settings)
    handler.setFormatter(JsonLogFormatter(settings) if json_wanted(settings) else TextFormatter(settings))
    try:
        handler.setLevel(settings["LOG_LEVEL"])
    except ValueError as error:
        raise SettingError(f"RFI_LOG_LEVEL: {error}") from error
    # At DEBUG the driver tells every command, whole pages with it.
    logging.getLogger("pymongo").setLevel(logging.INFO)
    # What the handler would leave out is not even made into a record.
    logging.root.setLevel(handler.level)
    logging.root.addHandler(handler)


def handler_of(settings: BaseSettings) -> logging.Handler:
    """Where the log goes: a file, standard error, or nowhere."""
    if settings["LOG_FILE"]:
        mode = "a" if settings.getbool("LOG_FILE_APPEND") else "w"
        return logging.FileHandler(settings["LOG_FILE"], mode=mode, encoding=settings["LOG_ENCODING"])
    return logging.StreamHandler() if settings.getbool("LOG_ENABLED") else logging.NullHandler()


class SafeLogRecord(logging.LogRecord):
    """A record whose message shows what would steer a terminal, instead of passing it on."""

    def getMessage(self) -> str:  # noqa: N802 - named by logging
        """The message, visible."""
        return visible(super().getMessage())


def defuse() -> None:
    """Make every record from now on a defused one, whoever handles it."""
    logging.setLogRecordFactory(SafeLogRecord)


def quieten() -> None:
    """Keep Scrapy's start-up talk out of a log at INFO; warnings still show, and DEBUG shows everything."""
    for name in CHATTER:
        # A filter, for Scrapy sets the levels of its loggers anew when it configures logging.
        logging.getLogger(name).addFilter(lambda record: record.levelno > logging.INFO)
