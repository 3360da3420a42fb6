"""The report page as a browser would read it."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from tfx_vigil.pipelines.report import write_report_page


class Page(HTMLParser):
    """What a browser would make of the page: elements, their attributes and its text."""

    VOID = {"meta", "img", "link", "br", "input"}

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.styles = ""
        self._open = ""
        self.feed(html)
        self.text = " ".join(self.words)
        self.tags = Counter(tag for tag, _ in self.elements)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open == "style":
            self.styles += data
        else:
            self.words += data.split()

    @property
    def data(self) -> dict:
        return json.loads(self.scripts[0])


def write(root: str, tmp_path: Path, **arguments) -> tuple[str, Page]:
    path = tmp_path / "out" / "report.html"
    write_report_page(root, str(path), **arguments)
    html = path.read_text("utf-8")
    return html, Page(html)
