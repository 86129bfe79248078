"""Draw what ``bench_compare.py`` found, and put its numbers into the page: ``python tests/benchmarks/plots.py``.

Reads ``results/*.json``, and ``results/repeated/*.json`` of a second run;
writes ``docs/_static/performance-*.svg`` and what stands between the comments
of ``docs/explanation/performance.md``. The same results give the same bytes,
with the same matplotlib: no date, no random ids, text as text.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = Path(__file__).parent / "results"
REPEATED: Final = RESULTS / "repeated"
PAGE: Final = ROOT / "docs" / "explanation" / "performance.md"
PICTURES: Final = ROOT / "docs" / "_static"

#: What stands in the upper left corner of each table.
CORNERS: Final = {
    "compare": "µs a submission",
    "length": "µs, of so many octets",
    "aliases": "µs, with so many aliases",
}
#: Of each reader, or of each line; ours first. People who see few colours can tell them apart, and the marks help.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#000000", "#7f7f7f")
MARKS: Final = "osD^vPX*"
#: Wide enough for a phone to show the letters as large as it shows its own.
SIZE: Final = (5, 4.6)
STYLE: Final = {
    "svg.hashsalt": "sendertrust",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "legend.frameon": False,
    "lines.markersize": 5.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
}

Result: TypeAlias = dict[str, Any]
Grid: TypeAlias = dict[str, dict[str, tuple[float, float]]]


def load(suite: str, folder: Path = RESULTS) -> Result:
    found: Result = json.loads((folder / f"{suite}.json").read_text(encoding="utf-8"))
    return found


def grid(result: Result) -> Grid:
    """Give median and deviation in microseconds, by the two halves of a benchmark's name."""
    found: Grid = {}
    for name, numbers in result["benchmarks"].items():
        one, _, other = name.rpartition(": ")
        found.setdefault(one, {})[other] = (numbers["median"] * 1e6, numbers["mad"] * 1e6)
    return found


# Tables


def cell(median: float, deviation: float) -> str:
    digits = 1 if median < 100 else 0
    return f"{median:,.{digits}f} ± {deviation:,.{digits}f}"


def table(cells: Grid, corner: str) -> str:
    columns = list(dict.fromkeys(other for row in cells.values() for other in row))
    lines = [f"| {corner} | {' | '.join(f'{int(c):,}' if c.isdigit() else c for c in columns)} |"]
    lines += [f"|---|{'---|' * len(columns)}"]
    for one, row in cells.items():
        lines.append(f"| {one} | {' | '.join(cell(*row[c]) if c in row else '–' for c in columns)} |")
    return "\n".join(lines)


def times_as_long(cells: Grid) -> str:
    """Say where we are slower than the parser that people would use instead."""
    ours = {
        kind: row["sendertrust"][0] / row["getaddresses"][0] for kind, row in cells.items() if "getaddresses" in row
    }
    said = ", ".join(f"{ratio:.1f} ({kind})" for kind, ratio in ours.items())
    return f"sendertrust takes so many times as long as `getaddresses`: {said}."


def circumstances(result: Result, repeated: Result) -> str:
    """Say what was measured with what, how busy the machine was, and how far a second run is from it."""
    numbers, again = result["benchmarks"], repeated["benchmarks"]
    values = min(one["values"] for one in numbers.values())
    doubted = sum(bool(one["pyperf"]) for one in numbers.values())
    ratios = sorted(again[name]["median"] / numbers[name]["median"] for name in numbers)
    quarter = len(ratios) // 4
    said = [
        f"{result['date']}, {result['python']}, {result['machine']};",
        ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".",
        f"Median ± median absolute deviation of {values} values in {result['rounds']} rounds;",
        f"load average {' to '.join(map(str, result['load']))}.",
        f"A second run, of {repeated['rounds']} rounds at load {' to '.join(map(str, repeated['load']))}, gave",
        f"{ratios[0]:.2f} to {ratios[-1]:.2f} times these medians, half of them",
        f"{ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f}.",
        f"pyperf warns of {doubted} of the {len(numbers)} numbers.",
        *(f"Left out: {name} ({why})." for name, why in result["left out"].items()),
    ]
    return " ".join(said)


def texts() -> dict[str, str]:
    """Give what the page has between its comments."""
    found = {}
    for suite, corner in CORNERS.items():
        result = load(suite)
        cells = grid(result)
        parts = [table(cells, corner), circumstances(result, load(suite, REPEATED))]
        if suite == "compare":
            parts.insert(1, times_as_long(cells))
        found[suite] = "\n\n".join(parts)
    return found


def with_texts(page: str) -> str:
    for name, text in texts().items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, found, rest = page.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            sys.exit(f"{PAGE} has no {start} and {end}")
        page = f"{before}{start}\n{text}\n{end}{after}"
    return page


# Pictures


def digest(suite: str) -> str:
    """Name the results that a picture shows; the picture keeps it."""
    return f"sha256:{hashlib.sha256((RESULTS / f'{suite}.json').read_bytes()).hexdigest()}"


def logarithmic(axes: Any, name: str, label: str) -> None:
    """Scale an axis so, with numbers as people write them."""
    axes.set(**{f"{name}scale": "log", f"{name}label": f"{label} (logarithmic scale)"})
    getattr(axes, f"{name}axis").set_major_formatter(lambda value, _: f"{value:,.10g}")


def draw_compare(axes: Any) -> None:
    cells = grid(load("compare"))
    readers = list(dict.fromkeys(reader for row in cells.values() for reader in row))
    for index, reader in enumerate(readers):
        below = (index - len(readers) / 2) * 0.08  # so that none hides another
        points = [(row[reader][0], place + below) for place, row in enumerate(cells.values()) if reader in row]
        across, down = zip(*points, strict=True)
        axes.plot(across, down, MARKS[index], color=COLOURS[index], label=reader)
    logarithmic(axes, "x", "µs a submission")
    axes.set_xticks([10, 20, 50, 100, 200, 500])
    axes.minorticks_off()
    axes.set_yticks(range(len(cells)), list(cells))
    axes.invert_yaxis()


def draw_length(axes: Any) -> None:
    draw_lines(axes, "length", unit=1e3)
    axes.set(xlabel="octets of the From field", ylabel="ms a submission", xlim=(0, None), ylim=(0, None))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xticks([0, 2048, 4096, 6144, 8192])


def draw_aliases(axes: Any) -> None:
    draw_lines(axes, "aliases", unit=1)
    logarithmic(axes, "x", "aliases of the account")
    logarithmic(axes, "y", "µs a submission")
    axes.set_ylim(bottom=10)
    axes.set_xticks([1, 100, 10_000, 1_000_000])
    axes.minorticks_off()


def draw_lines(axes: Any, suite: str, unit: float) -> None:
    for index, (name, row) in enumerate(grid(load(suite)).items()):
        of_others = ", " in name
        axes.plot(
            [int(across) for across in row],
            [median / unit for median, _ in row.values()],
            MARKS[index] + (":" if of_others else "-"),
            color=COLOURS[index],
            label=name,
        )


DRAWINGS: Final = {"compare": draw_compare, "length": draw_length, "aliases": draw_aliases}


def draw() -> None:
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    figures: Any = importlib.import_module("matplotlib.figure")
    with matplotlib.rc_context(STYLE):
        for suite, draw_one in DRAWINGS.items():
            figure = figures.Figure(figsize=SIZE, layout="constrained")
            axes = figure.subplots()
            draw_one(axes)
            axes.grid(visible=True)
            figure.legend(loc="outside lower center", ncols=2)
            about = {"Date": None, "Creator": None, "Source": digest(suite)}
            figure.savefig(PICTURES / f"performance-{suite}.svg", metadata=about)


def main() -> None:
    draw()
    PAGE.write_text(with_texts(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
