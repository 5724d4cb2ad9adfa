"""The report that a person looks at, as one HTML page.

figures  the numbers, arranged as they are shown
charts   bar charts as SVG
page     the page
"""

from rfispider.monitoring.report.figures import ReportData
from rfispider.monitoring.report.page import render

__all__ = ["ReportData", "render"]
