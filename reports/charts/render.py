"""Shapes to bytes, by matplotlib, and what has to be taken out of its SVG.

Nothing of the user's reaches the picture: no matplotlibrc, no backend, no font of the
system, no clock. `pyplot` is never imported; it would choose a backend and keep figures.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from reports.charts.chart import Chart
from reports.charts.layout import WIDTH, Layout
from reports.charts.shapes import PAPER, Outline, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"
_PNG_DPI = 144  # two pixels to each of ours: sharp on today's screens
_LOCK = threading.Lock()  # rcParams are one for the whole process, and `serve` has threads
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
_KEPT = (
    *("d", "x", "y", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin"),
    *("stroke-linecap", "text-anchor", "font-size", "font-weight"),
)


def draw(chart: Chart, *, format: Literal["svg", "png"] = "svg", width: int = WIDTH) -> bytes:  # noqa: A002 - the name people know
    """Draw a chart; the same chart gives the same bytes.

    An SVG is the same on every machine; a PNG is for one version of matplotlib and its
    libraries on one kind of processor.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    layout = Layout(chart, width)
    buffer = io.BytesIO()
    with _LOCK, matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": "tracker",
                "path.simplify": False,
                "text.parse_math": False,
            }
        )
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's fonts may well have it
        figure = _figure(layout, matplotlib.get_data_path())
        if format == "png":
            figure.set_dpi(_PNG_DPI)
            canvas: Any = FigureCanvasAgg(figure)
            canvas.print_png(buffer, metadata={"Software": None})
            return buffer.getvalue()
        text = io.StringIO()
        nothing: dict[str, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}
        canvas = FigureCanvasSVG(figure)
        canvas.print_svg(text, metadata=nothing)
    return _cleaned(text.getvalue(), layout).encode()


def _figure(layout: Layout, data_path: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.text import Text
    from matplotlib.transforms import Affine2D

    figure = Figure(
        figsize=(layout.width / 72, layout.height / 72), dpi=72, facecolor=PAPER, edgecolor="none"
    )
    pixels = Affine2D().scale(1 / 72, -1 / 72).translate(0, layout.height / 72) + figure.dpi_scale_trans
    # matplotlib's own copy of the font: another release of it would have other widths.
    fonts = {bold: f"{data_path}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf" for bold in (False, True)}
    for number, shape in enumerate(layout.shapes):
        if isinstance(shape, Words):
            font = FontProperties(fname=fonts[shape.bold], size=shape.size, weight=700 if shape.bold else 400)
            align: Any = {"start": "left", "middle": "center", "end": "right"}[shape.anchor]
            text = Text(
                shape.x, shape.y, shape.text, color=shape.color, fontproperties=font,
                horizontalalignment=align, verticalalignment="baseline", parse_math=False,
            )  # fmt: skip
            text.set_transform(pixels)
            text.set_zorder(number)
            figure.add_artist(text, clip=False)
        else:
            patch = PathPatch(Path(*_path(shape, Path)), transform=pixels, zorder=number, clip_on=False)
            patch.set_facecolor(shape.fill or "none")
            patch.set_edgecolor(shape.stroke or "none")
            patch.set_linewidth(shape.width if shape.stroke else 0)
            patch.set_joinstyle("round" if not shape.closed else "miter")
            patch.set_capstyle("butt")
            if shape.dash:
                patch.set_linestyle((0, tuple(length / shape.width for length in shape.dash)))
            figure.add_artist(patch)
    return figure


def _path(shape: Outline, path: Any) -> tuple[list[tuple[float, float]], list[int]]:
    vertices: list[tuple[float, float]] = []
    codes: list[int] = []
    for part in shape.parts:
        vertices += part
        codes += [int(path.MOVETO), *[int(path.LINETO)] * (len(part) - 1)]
        if shape.closed:
            vertices.append(part[0])
            codes.append(int(path.CLOSEPOLY))
    return vertices, codes


def _cleaned(svg: str, layout: Layout) -> str:
    """Keep the paths and texts alone, in order, with at most two decimals.

    Ids, styles and groups go: pictures are pasted into one page, where an id or a
    `*{…}` rule of one would reach the others. Presentation attributes also pass a
    content security policy that forbids inline styles.
    """
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{layout.width}" height="{layout.height}"'
        f' viewBox="0 0 {layout.width} {layout.height}" font-family="{_FONTS}">',
        f"<title>{escape(layout.title)}</title>",
        f"<desc>{escape(layout.description)}</desc>",
    ]
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in ("path", "text"):
            continue
        found = dict(element.attrib)
        for rule in found.pop("style", "").split(";"):
            name, _, value = rule.partition(":")
            found[name.strip()] = value.strip()
        if tag == "path" and not found.get("fill"):
            found["fill"] = "#000000"
        attributes = " ".join(
            f"{name}={quoteattr(_shorter(found[name]))}" for name in _KEPT if found.get(name)
        )
        lines.append(
            f"<text {attributes}>{escape(element.text or '')}</text>"
            if tag == "text"
            else f"<path {attributes}/>"
        )
    return "\n".join([*lines, "</svg>", ""])


def _shorter(value: str) -> str:
    """Round numbers as they are written, six decimals to two: halves fall the same way everywhere."""
    return " ".join(_NUMBER.sub(_two_decimals, value).split())


def _two_decimals(found: re.Match[str]) -> str:
    text = f"{Decimal(found[0]).quantize(Decimal('0.01'), ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
