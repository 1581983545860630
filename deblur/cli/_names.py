"""What the results are called: beside their pictures, in a folder, or by a template."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deblur._core.errors import did_you_mean
from deblur.cli._sources import IMAGE_SUFFIXES, RESULT, ZARR, Skipped, Source, is_folder
from deblur.photo import SUFFIXES, written_suffix

METHOD = "{method}"
"""What stands in the name of a result whose method is chosen when it is restored."""

FIELDS = {
    "stem": "name of the picture without its suffix",
    "ext": "suffix of the result, with its dot",
    "method": "method that restored it",
    "parent": "folder of the picture",
    "n": "number of the picture in this run, from 1; {n:03} has three digits",
}
"""Fields of a template, and what they are replaced by."""

_DEFAULT = "{stem}-restored{ext}"


@dataclass(frozen=True)
class Naming:
    """How the results of a run are called.

    Attributes
    ----------
    folder : pathlib.Path or None
        That all results are below; None for beside each picture.
    name : str
        Path below that, with the fields of `FIELDS`.
    suffix : str or None
        Of the results; None for that of each picture.
    keeps_tree : bool
        Whether the folders in a given folder are made below `folder` again.
    is_template : bool
        Whether the user gave a name with fields.
    """

    folder: Path | None
    name: str = _DEFAULT
    suffix: str | None = None
    keeps_tree: bool = False
    is_template: bool = False

    @property
    def fields(self) -> set[str]:
        """The fields in the name."""
        return {field for _, field, _, _ in string.Formatter().parse(self.name) if field}

    def target(self, source: Source, number: int, method: str) -> Path:
        """Return where the result of a picture is written; `method` may be `METHOD` while it is not known."""
        stem, ext = split_name(source.path.name)
        if self.suffix is not None and not ext.lower().endswith(self.suffix):
            keeps_ome = ext.lower().startswith(".ome.") and self.suffix in (".tif", ".tiff", ZARR)
            ext = ext[:4] + self.suffix if keeps_ome else self.suffix
        elif self.suffix is None and ext.lower() in SUFFIXES:
            ext = written_suffix(ext)  # a camera's RAW is read only, and written as TIFF
        parent = os.fspath(source.path.parent)
        if self.folder is not None or not self.name.startswith("{parent}"):
            parent = _downwards(parent)
        name = self.name.format(stem=stem, ext=ext, method=method, parent=parent, n=number)
        if self.is_template:
            return Path(name) if self.folder is None else self.folder / name
        if self.folder is None:
            return source.path.with_name(name)
        return self.folder / (source.below if self.keeps_tree else "") / name

    def leave_out_results(self, sources: list[Source], methods: Iterable[str]) -> tuple[list[Source], list[Skipped]]:
        """Part pictures from the results of earlier runs on them, by any of `methods` and in any format.

        Pictures that were named themselves are never left out. A folder for results that lies in a given folder is,
        with all it holds, and so are results that have the default name.
        """
        real = cache(os.path.realpath)

        def key(path: Path) -> tuple[str, str]:  # what the results of a picture have in common in all formats
            return str(real(path.parent)), split_name(path.name)[0]

        names = sorted(methods) if "method" in self.fields else [METHOD]
        tells = "stem" in self.fields and "n" not in self.fields  # from which picture a result was made
        made: dict[tuple[str, str], Path] = {}
        for number, source in enumerate(sources, 1):
            if source.tree is not None:
                targets = [Naming(None).target(source, number, METHOD)]
                targets += [self.target(source, number, method) for method in names if tells]
                made |= {key(target): source.path for target in targets}
        results = {
            source
            for source in sources
            if source.tree is not None
            and (made.get(key(source.path), source.path) != source.path or self._is_below_folder(source))
        }
        return [each for each in sources if each not in results], [Skipped(each.path, RESULT) for each in results]

    def _is_below_folder(self, source: Source) -> bool:
        """Whether a picture was found in the folder for results, and that in the folder that was given."""
        if self.folder is None or source.tree is None:
            return False
        path, folder, tree = (os.path.realpath(each) for each in (source.path, self.folder, source.tree))
        return folder != tree and folder.startswith(os.path.join(tree, "")) and path.startswith(folder + os.sep)


def naming_for(output: str | None, suffix: str | None, *, several: bool, recursive: bool) -> Naming:
    """Return how results are called, or raise `ValueError`.

    Parameters
    ----------
    output : str, optional
        What ``-o`` says: a file, a folder, or a template such as ``sharp/{stem}-{method}{ext}``.
    suffix : str, optional
        Of the results, with its dot.
    several : bool
        Whether there are several pictures, or a folder was given.
    recursive : bool
        Whether folders are entered.
    """
    if output is None:
        return Naming(None, suffix=suffix)
    if ("{" in output or "}" in output) and not os.path.lexists(output):
        return _template(output, suffix)
    folder = Path(output)
    if is_folder(folder) or output.endswith(("/", os.sep)) or several:
        if several and (folder.is_file() or folder.suffix.lower() in IMAGE_SUFFIXES):
            raise ValueError(
                f"-o {output} is one file, and there are several pictures to restore; give a folder, or a name with "
                "{stem} in it"
            )
        return Naming(folder, suffix=suffix, keeps_tree=recursive)
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"cannot write {output}: the folder {folder.parent} does not exist")
    _check_suffix(output, suffix)
    return Naming(None, output.replace("{", "{{").replace("}", "}}"), suffix, is_template=True)


def split_name(name: str) -> tuple[str, str]:
    """Part the name of a picture into stem and suffix; ``.ome.tif`` is one suffix."""
    path = Path(name)
    stem, suffix = path.stem, path.suffix
    if stem.lower().endswith(".ome") and len(stem) > 4:
        stem, suffix = stem[:-4], stem[-4:] + suffix
    return stem, suffix


def _template(output: str, suffix: str | None) -> Naming:
    """Read a template, or raise `ValueError` with what it may hold."""
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    try:
        parts = list(string.Formatter().parse(output))
    except ValueError:
        raise ValueError(f"-o {output}: a brace is not closed; fields are {known}, and {{{{ is a brace") from None
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS)
            raise ValueError(f"-o {output}: {{{field}}} is unknown; {hint + ' ' if hint else ''}fields are {known}")
        if conversion or (form and not (field == "n" and re.fullmatch(r"0?[1-9]", form))):
            raise ValueError(f"-o {output}: {{{field}}} takes no format; only {{n:03}} does, for three digits")
    if output.endswith(("/", os.sep)):
        output += _DEFAULT
    if not output.endswith("{ext}"):
        if parts[-1][1] is not None or Path(output).suffix.lower() not in IMAGE_SUFFIXES:
            raise ValueError(f"-o {output}: the name has no suffix of a picture; end it in {{ext}}")
        _check_suffix(output, suffix)
    before = output[: output.index("{")] if "{" in output else ""
    start = before.rfind("/") + 1
    folder = Path(output[:start]) if start else None
    return Naming(folder, output[start:], suffix, is_template=True)


def _check_suffix(output: str, suffix: str | None) -> None:
    given = Path(output).suffix.lower()
    if suffix is not None and given != suffix:
        raise ValueError(f"-o {output} ends in {given or 'no suffix'}, and --format says {suffix[1:]}; leave out one")


def _downwards(folder: str) -> str:
    """Return the path of a folder without its root and without steps upwards, so that it stays below another."""
    parts = Path(os.path.normpath(folder)).parts
    anchor = Path(folder).anchor
    return os.path.join(*([part for part in parts if part not in ("..", anchor)] or ["."]))
