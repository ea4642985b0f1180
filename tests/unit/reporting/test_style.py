import re
import subprocess
import sys
from pathlib import Path

from matplotlib import rcParams
from matplotlib.figure import Figure

import holdfast
from holdfast.reporting import style


def little_figure() -> Figure:
    figure, (axes,) = style.new_figure(2.0)
    axes.plot([0, 1], [1, 0], marker="o", label="a <b> & c")
    axes.set_xlim(0, 0.5)
    style.legend(axes)
    return figure


def test_the_same_figure_gives_the_same_svg():
    assert style.svg(little_figure(), "x", "a line") == style.svg(little_figure(), "x", "a line")


def test_svg_is_one_element_without_outside_references():
    text = style.svg(little_figure(), "x", 'a "line" <falling>')
    assert text.startswith('<svg role="img" aria-label="a &quot;line&quot; &lt;falling&gt;"')
    assert text.endswith("</svg>")
    assert set(re.findall(r'https?://[^" ]+', text)) == {"http://www.w3.org/2000/svg"}
    assert "<metadata" not in text
    assert "<!--" not in text
    assert "a &lt;b&gt; &amp; c" in text


def test_ids_carry_the_name_and_every_reference_resolves():
    text = style.svg(little_figure(), "one", "a line")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert len(ids) == len(set(ids))
    references = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text)
    assert references
    assert {first or second for first, second in references} <= set(ids)


def test_svg_scales_with_the_page():
    opening = style.svg(little_figure(), "x", "a line").split(">", 1)[0]
    assert "viewBox=" in opening
    assert " width=" not in opening


def test_png_repeats_and_names_no_software(tmp_path: Path):
    first = style.save_png(little_figure(), tmp_path / "new" / "a.png").read_bytes()
    second = style.save_png(little_figure(), tmp_path / "new" / "b.png").read_bytes()
    assert first == second
    assert b"tEXt" not in first
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png"]


def test_global_settings_are_left_alone():
    before = dict(rcParams)
    style.svg(little_figure(), "x", "a line")
    assert dict(rcParams) == before


def test_pyplot_is_never_loaded():
    code = "import sys, holdfast.reporting.plots as p; p.scores([.5]); sys.exit('matplotlib.pyplot' in sys.modules)"
    path = str(Path(holdfast.__file__).parents[1])
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=False).returncode == 0
