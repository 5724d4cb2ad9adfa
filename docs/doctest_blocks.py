"""An extension of Griffe: examples in docstrings are shown as code, with or without a heading of their own."""

import re

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
"""From a prompt to the next empty line."""


class DoctestBlocks(Extension):
    """Puts examples between fences, before Markdown takes their prompts for quotations."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Change the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
