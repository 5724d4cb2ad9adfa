"""Articles whose body comes by script, as on sites that are built in the browser."""

from html import escape
from urllib.parse import quote

PREFIX = "/api/body"
"""Before the path of an article: where its script gets the body."""


def shell(path: str) -> str:
    """What stands in the page in place of the body: a script that fetches it, an image and what advertises."""
    source = escape(quote(PREFIX + path))
    return (
        f'<div id="app" data-source="{source}"></div>\n'
        '<script src="https://ads.example/banner.js" async></script>\n'
        '<img src="/media/pixel.gif" width="1" height="1" alt="">\n'
        "<script>(function () {\n"
        '  var place = document.getElementById("app"), request = new XMLHttpRequest();\n'
        '  request.open("GET", place.getAttribute("data-source"));\n'
        "  request.onload = function () { place.outerHTML = request.responseText; };\n"
        "  request.send();\n"
        "})();</script>\n"
    )


def article_of(path: str) -> str | None:
    """The decoded path of the article whose body stands at a decoded path; None if it is no body's."""
    return path.removeprefix(PREFIX) if path.startswith(f"{PREFIX}/") else None
