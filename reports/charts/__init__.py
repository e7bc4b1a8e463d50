"""Pictures of metrics over time, the same bytes wherever they are drawn."""

from reports.charts.chart import Band, Chart, ChartInterval, Line, Mark
from reports.charts.layout import NARROW
from reports.charts.render import draw

__all__ = ["NARROW", "Band", "Chart", "ChartInterval", "Line", "Mark", "draw"]
