"""The report that a person looks at, as one HTML page.

figures  the numbers, arranged as they are shown
charts   bar charts as SVG
page     the page
"""

from rfispider.report.figures import Material
from rfispider.report.page import render

__all__ = ["Material", "render"]
