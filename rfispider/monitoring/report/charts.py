"""Bar charts as SVG that stands in a page: no script, no legend, colours and fonts of the page.

The only importer of pygal.
"""

import re
from collections.abc import Sequence

import pygal
from markupsafe import Markup
from pygal.style import Style

from rfispider.concurrency.process_globals import remove_import_hooks
from rfispider.monitoring.report.figures import Series

# pygal hooks into every later import to look for plugins of its own, in a way that Python 3.12 no longer knows and
# Python 3.11 warns of. There are no such plugins here.
remove_import_hooks("pygal")

WIDTH, HEIGHT = 440, 240
"""Of the drawing; it scales. Small, so that its letters can still be read on a phone of 360 pixels."""
LABEL_LETTERS = 12
FEW_LABELS = 7
"""So many labels fit below the bars."""

_NOT_SHOWN = re.compile(r"<script\b.*?</script>|<!--.*?-->", re.DOTALL)


def stacked(name: str, labels: Sequence[str], series: Sequence[Series], colours: Sequence[str]) -> Markup:
    """Bars, one for each label, of one piece for each series.

    `name` becomes part of the drawing's id; `colours` are CSS colours, such as var(--c0), one for each series.
    """
    chart = pygal.StackedBar(
        style=_style(colours),
        js=(),
        width=WIDTH,
        height=HEIGHT,
        margin=4,
        spacing=6,
        disable_xml_declaration=True,
        show_legend=False,
        max_scale=6,
        truncate_label=-1,
        formatter=lambda value: f"{value:g}",
        no_data_text="nothing yet",
    )
    chart.uuid = name
    chart.x_labels = thinned(labels)
    for each in series:
        chart.add(each.name, list(each.values))
    # What is left out are pygal's script, which only the browser of its own demos wants, and its comments. Every text
    # in the drawing was escaped by pygal.
    return Markup(_NOT_SHOWN.sub("", chart.render(is_unicode=True)))  # noqa: S704 - see above


def thinned(labels: Sequence[str]) -> list[str]:
    """The labels with most of them left empty, so that the others can be read."""
    step = -(-len(labels) // FEW_LABELS) or 1
    return [label if n % step == 0 else "" for n, label in enumerate(labels)]


def _style(colours: Sequence[str]) -> Style:
    ink, soft = "var(--ink)", "var(--line)"
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=ink,
        foreground_strong=ink,
        foreground_subtle=soft,
        guide_stroke_color=soft,
        major_guide_stroke_color=soft,
        colors=tuple(colours),
        opacity="1",
        opacity_hover="1",
        transition="0s",
        font_family="inherit",
        label_font_size=LABEL_LETTERS,
        major_label_font_size=LABEL_LETTERS,
        no_data_font_size=LABEL_LETTERS,
    )
