"""Alerts people outside the crawl that something is wrong: by a webhook, Slack or mail.

Standard library only, and blocking: call it in a thread.
"""

import json
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from rfispider.setting_values import alert_url, mail_addresses

TIMEOUT_S = 10.0
"""A receiver that answers slower is not waited for."""
SMTPS_PORT, SMTP_PORT = 465, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The content of an alert."""

    title: str
    """One line."""
    lines: tuple[str, ...]
    """What is wrong, one thing a line."""
    facts: Mapping[str, Any]
    """For programs: fit for JSON."""

    @property
    def text(self) -> str:
        """All of it, for a person."""
        return "\n".join((self.title, *(f"- {line}" for line in self.lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Who is alerted; empty: nobody of that kind."""

    webhook: str = ""
    slack: str = ""
    mail: tuple[str, ...] = ()
    smtp: str = ""
    sender: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Receivers":
        """The receivers that the settings name.

        Raises:
            SettingError: an address that cannot be used; it is not repeated, for it may hold a secret.

        """
        return cls(
            webhook=alert_url(settings, "RFI_ALERT_WEBHOOK"),
            slack=alert_url(settings, "RFI_ALERT_SLACK"),
            mail=mail_addresses(settings),
            smtp=alert_url(settings, "RFI_ALERT_SMTP"),
            sender=str(settings["RFI_ALERT_FROM"]).strip() or f"rfispider@{socket.gethostname()}",
        )


def send_alert(alert: Alert, receivers: Receivers) -> list[str]:
    """Send it to every receiver; gives one line for each that it did not reach.

    The lines name no addresses, which may be secret.
    """
    problems = []
    for name, send in _channels(alert, receivers).items():
        try:
            send()
        except (OSError, HTTPException, smtplib.SMTPException, UnicodeError, ValueError) as error:
            problems.append(f"the alert did not reach the {name}: {_reason(error)}")
    return problems


def _channels(alert: Alert, receivers: Receivers) -> dict[str, Callable[[], None]]:
    channels: dict[str, Callable[[], None]] = {}
    if receivers.webhook:
        payload = {"title": alert.title, "problems": list(alert.lines), **alert.facts}
        channels["webhook"] = lambda: _post(receivers.webhook, payload)
    if receivers.slack:
        channels["Slack webhook"] = lambda: _post(receivers.slack, {"text": slack_text(alert.text)})
    if receivers.mail:
        channels["mail server"] = lambda: _mail(alert, receivers)
    return channels


def slack_text(text: str) -> str:
    """Text in which Slack finds no markup: its three control characters as entities (docs.slack.dev, formatting).

    >>> slack_text("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, payload: Mapping[str, Any]) -> None:
    body = json.dumps(payload, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "rfispider"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http(s) was checked
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
        answer.read(1024)


def _mail(alert: Alert, receivers: Receivers) -> None:
    server = urlsplit(receivers.smtp)
    with _connected(server) as connection:
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(email(alert, receivers))


def _connected(server: SplitResult) -> smtplib.SMTP:
    """A connection that is encrypted wherever the server can; credentials never go over one that is not."""
    host, context = server.hostname or "", ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, server.port or SMTPS_PORT, timeout=TIMEOUT_S, context=context)
    connection = smtplib.SMTP(host, server.port or SMTP_PORT, timeout=TIMEOUT_S)
    connection.ehlo_or_helo_if_needed()
    if connection.has_extn("starttls"):
        connection.starttls(context=context)
    elif server.username:
        connection.close()
        raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and the password is not sent in the clear")
    return connection


def email(alert: Alert, receivers: Receivers) -> EmailMessage:
    """The alert as a mail."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(alert.title.split())
    mail["From"] = receivers.sender
    mail["To"] = ", ".join(receivers.mail)
    mail.set_content(alert.text)
    return mail


def _reason(error: Exception) -> str:
    """What went wrong; the message of an error may repeat a URL, or credentials."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP status {error.smtp_code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(cause.strerror) if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
