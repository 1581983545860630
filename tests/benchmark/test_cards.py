"""The cards: whole, consistent, and true of the files where the files are."""

from pathlib import Path

import pytest

from deblur.benchmark import Card, File, card, cards, verify
from deblur.benchmark._cards import parse_card

NAMES = [
    "bsds500",
    "cbsd68",
    "drums",
    "galaxies",
    "kernels",
    "lai2016_dev",
    "levin2009",
    "microscopy",
    "music",
    "set14",
    "set5",
]
GOOD = """
title = "t"
license = "l"
permits = "p"
traps = ["one"]
citation = "@misc{x}"
files = [{ path = "a/b.png", url = "https://host/b.png", sha256 = "%s", bytes = 3 }]
""" % ("0" * 64)


def test_the_data_sets_of_the_project_have_cards() -> None:
    assert [found.name for found in cards()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_card_says_all_it_should(name: str) -> None:
    found = card(name)
    assert found.title
    assert found.license
    assert found.permits
    assert found.traps
    assert found.citation.count("{") == found.citation.count("}") > 0
    assert found.citation.lstrip().startswith("@")
    assert len({file.path for file in found.files}) == len(found.files)
    assert [file.path for file in found.files] == sorted(file.path for file in found.files)
    assert found.bytes == sum(file.bytes for file in found.files)


@pytest.mark.parametrize("name", NAMES)
def test_urls_are_pinned_to_a_commit(name: str) -> None:
    for file in card(name).files:
        host, commit = file.url.split("/")[2], file.url.split("/")[5]
        assert host == "raw.githubusercontent.com"
        assert len(commit) == 40
        assert int(commit, 16)
        assert not set(file.url) & set(" ()\\")


@pytest.mark.parametrize("name", NAMES)
def test_files_match_their_card(name: str, data_dir: Path) -> None:
    assert verify(name, folder=data_dir) == []


def test_validation_images_of_bsds500_are_left_out() -> None:
    """CBSD68 is among them: training on them would be training on the test set."""
    trained = {Path(file.path).stem for file in card("bsds500").files}
    assert not trained & {Path(file.path).stem for file in card("cbsd68").files}


@pytest.mark.parametrize(("wrong", "near"), [("levin", "levin2009"), ("Set14", "set14"), ("bsd500", "bsds500")])
def test_unknown_name_suggests_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"no data set is called '{wrong}'; did you mean '{near}'"):
        card(wrong)


def test_unknown_name_like_no_other_lists_them_all() -> None:
    with pytest.raises(ValueError, match=r"there are bsds500, cbsd68, .*, set5$"):
        card("xyzzy")


def test_parse_card() -> None:
    file = File("a/b.png", "https://host/b.png", "0" * 64, 3)
    assert parse_card("x", GOOD) == Card("x", "t", "l", "p", ("one",), "@misc{x}", (file,))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0" * 64, "0" * 63, "sha256 of a/b.png is '0+'; give 64"),
        ("0" * 64, "G" * 64, "sha256 of a/b.png"),
        ("a/b.png", "../b.png", "path is '../b.png'; give a path inside"),
        ("a/b.png", "/etc/b.png", "path is '/etc/b.png'"),
        ("bytes = 3", "bytes = 0", "bytes of a/b.png is 0"),
        ('title = "t"', "", "title"),
        ('title = "t"', 'titel = "t"', "titel"),
        ("files", "filez", "has no 'files'"),
        ('"t"', '"t', "cannot be read"),
    ],
)
def test_bad_card_is_one_line_that_names_it(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_card("mine", GOOD.replace(old, new))
    assert "mine" in str(caught.value)
    assert "\n" not in str(caught.value)
