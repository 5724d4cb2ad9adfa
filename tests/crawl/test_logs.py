"""What a log shows, and what it never does."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from scrapy.settings import Settings

from rfispider.crawl import logs
from rfispider.crawl.logs import JsonLogFormatter, TextFormatter, redacted, secrets_of, spellings

PASSWORD = 'p@ss/w%rd"é\\'
ENCODED = "p%40ss%2Fw%25rd%22%C3%A9%5C"
URI = f"mongodb://ann:{ENCODED}@db.example:27017/?authSource=admin"
HOOK = "https://hooks.example/services/T000/XYZZY"


def settings(**changed: Any) -> Settings:
    return Settings({"LOG_FORMAT": "%(levelname)s %(message)s", "LOG_LEVEL": "INFO", "RFI_LOG": "text", **changed})


@pytest.fixture(params=["text", "json"])
def formatter(request: pytest.FixtureRequest) -> logging.Formatter:
    given = settings(MONGO_URI=URI, RFI_ALERT_SLACK=HOOK)
    return JsonLogFormatter(given) if request.param == "json" else TextFormatter(given)


def record(message: str, *args: object, raised: BaseException | None = None, **more: Any) -> logging.LogRecord:
    told = (type(raised), raised, raised.__traceback__) if raised else None
    return logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, message, args, told, extra=more)


@pytest.mark.parametrize(
    "said",
    [
        URI,
        f"cannot connect to {URI}",
        f"the password {PASSWORD} is wrong",
        repr(PASSWORD),
        json.dumps({"password": PASSWORD}),
        str({"MONGO_URI": URI, "RFI_ALERT_SLACK": HOOK}),
        f"POST {HOOK}: 500",
        "see smtp://post:other@mail.example:25",
        "https://user:@host.example/ and https://:word@host.example/",
    ],
)
def test_no_secret_is_in_a_line_of_either_form(formatter: logging.Formatter, said: str) -> None:
    line = formatter.format(record("%s", said))
    assert "***" in line
    for secret in (PASSWORD, ENCODED, "XYZZY", "ann:", "post:", "other@", ":word"):
        assert secret not in line
        assert json.dumps(secret)[1:-1] not in line


@pytest.mark.parametrize("form", [TextFormatter, JsonLogFormatter])
def test_no_piece_of_a_password_is_in_a_traceback_of_the_driver(form: type[TextFormatter | JsonLogFormatter]) -> None:
    uri = f"mongodb://ann:{PASSWORD}@db.example:27017/"
    formatter = form(settings(MONGO_URI=uri))
    try:
        MongoClient[dict[str, Any]](uri)
    except PyMongoError as error:
        line = formatter.format(record("failed", raised=error))
    assert "Traceback" in line
    assert "p@ss" not in line
    assert "w%rd" not in line


def test_scrapy_s_line_of_settings_holds_no_secret(formatter: logging.Formatter) -> None:
    line = formatter.format(record("Overridden settings:\n%(settings)s", {"settings": f"{{'MONGO_URI': '{URI}'}}"}))
    assert ENCODED not in line
    assert "db.example:27017" in line


def test_a_text_log_shows_urls_as_they_are_read_but_nothing_that_steers_a_terminal() -> None:
    url = "https://www.rfi.fr/cn/%E6%B3%95%E5%B9%BF%2F%20%E2%80%AE%FF%C3%A9%C2%9B"
    line = TextFormatter(settings()).format(record("read %s", url))
    assert line == "INFO read https://www.rfi.fr/cn/法广%2F%20%E2%80%AE%FFé%C2%9B"


def test_what_is_no_secret_stays(formatter: logging.Formatter) -> None:
    said = "10:30 https://www.rfi.fr/cn/a@b: read http://127.0.0.1:8099/x?at=a:b@c, mongodb://db.example:27017/"
    assert said in formatter.format(record("%s", said))


def test_a_short_password_hides_no_words() -> None:
    given = settings(MONGO_URI="mongodb://ann:rf@db.example/")
    assert redacted("rfi from mongodb://ann:rf@db.example/", spellings(secrets_of(given))) == (
        "rfi from mongodb://***@db.example/"
    )


@given(st.text(min_size=4))
def test_every_spelling_of_a_secret_is_found(secret: str) -> None:
    forms = spellings([secret])
    for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        assert form in forms


def test_a_json_line_is_one_object_with_the_time_in_utc_and_what_was_added() -> None:
    line = JsonLogFormatter(settings()).format(record("read\n%s", "法广", due=3, spider=object()))
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("at").endswith("+00:00")
    assert told == {"level": "INFO", "logger": "x", "message": "read\n法广", "due": 3}


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, left as it was found."""
    found = logging.root.handlers[:], logging.root.level, logging.getLogger("pymongo").level
    yield logging.root
    for handler in logging.root.handlers:
        if handler not in found[0]:
            handler.close()
    logging.root.handlers[:] = found[0]
    logging.root.setLevel(found[1])
    logging.getLogger("pymongo").setLevel(found[2])


@pytest.mark.parametrize(("form", "line"), [("text", "INFO hello\n"), ("json", '"message": "hello"')])
def test_the_log_goes_where_and_in_the_form_that_is_asked_for(
    form: str, line: str, root: logging.Logger, tmp_path: Any
) -> None:
    file = tmp_path / "crawl.log"
    logs.install(settings(RFI_LOG=form, LOG_FILE=str(file)))
    logging.getLogger("rfispider.x").info("hello")
    logging.getLogger("rfispider.x").debug("not asked for")
    assert line in file.read_text("utf-8")
    assert len(file.read_text("utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "said"), [({"RFI_LOG": "xml"}, "RFI_LOG: 'xml'"), ({"LOG_LEVEL": "LOUD"}, "RFI_LOG_LEVEL: .*LOUD")]
)
def test_a_form_or_level_that_there_is_not_is_refused(changed: dict[str, str], said: str, root: logging.Logger) -> None:
    with pytest.raises(ValueError, match=said):
        logs.install(settings(**changed))
