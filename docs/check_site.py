"""Check a built site: python docs/check_site.py docs/_build.

Every link within it leads to a file and a place that exist, no page loads a script, a style or a picture from
elsewhere, and every public name of the packages has its place, with the methods that it inherits from our classes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "source": "src", "audio": "src", "iframe": "src", "link": "href"}
GENERATED = {"genindex.html", "search.html", "py-modindex.html"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif LOADED.get(tag) in values:
            self.loads.append(values[LOADED[tag]])


def public_places() -> dict[str, list[str]]:
    """Return each public name and method, with the places of which it has one: a method may be told of a base."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.test_public_api import METHODS, NAMES

    wanted = {name: [name] for name in NAMES}
    for method in METHODS:
        name, _, attribute = method.rpartition(".")
        bases = [other for other, value in NAMES.items() if value in NAMES[name].__mro__]
        wanted[method] = [f"{base}.{attribute}" for base in bases]
    return wanted


def problems(site: Path, wanted: Mapping[str, Iterable[str]] | None = None) -> list[str]:
    """Return a line for each link that leads nowhere, all that is loaded from elsewhere, and what has no place."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site} has no pages"]
    found = []
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name} loads {each[:80]}" for each in page.loads if urlsplit(each).netloc]
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{name} links to {link}, which does not exist")
            elif (
                target in pages and target.name not in GENERATED and unquote(parts.fragment) not in pages[target].places
            ):
                found.append(f"{name} links to {link}, a page without that place")
    places = set().union(*(page.places for page in pages.values()))
    return found + [f"{name} is on no page" for name, any_of in (wanted or {}).items() if places.isdisjoint(any_of)]


def main() -> None:
    """Print what is wrong, and fail if anything is."""
    found = problems(Path(sys.argv[1]).resolve(), public_places())
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
