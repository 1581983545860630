"""The files around the code: versions agree, YAML parses, workflows call stages that exist, names lead somewhere."""

import datetime
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import deblur

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

yaml = pytest.importorskip("yaml", reason="reads YAML")

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]

pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="the workflows are in the repository, not in the sdist")

CITATION_FIELDS = {
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact"),
    *("repository-code", "title", "type", "url", "version"),
}
"""Of the Citation File Format 1.2.0."""


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert heads[0] == ("Unreleased", "")
    assert heads[1][0] == deblur.__version__
    dates = [datetime.date.fromisoformat(date) for _, date in heads[1:]]
    assert dates == sorted(dates, reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= {"Added", "Changed", "Removed", "Fixed"}
    for version, _ in heads:
        assert re.search(rf"^\[{re.escape(version)}\]: https://", text, re.MULTILINE), version


def test_the_citation_is_valid_and_true() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert set(citation) <= CITATION_FIELDS
    assert {"authors", "message", "title"} <= set(citation)
    assert all(set(author) <= {"name", "website", "email"} for author in citation["authors"])
    assert str(citation["version"]) == deblur.__version__
    assert citation["license"] == project()["license"]
    assert citation["repository-code"] == project()["urls"]["Homepage"]
    assert f"[{deblur.__version__}] - {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_stages_that_exist_and_may_do_no_more_than_it_must(path: Path) -> None:
    stages = set(re.findall(r"^run_(\w+)\(\)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE))
    for step in steps(path):
        if step.get("run", "").startswith(".ci/run"):
            assert set(step["run"].split()[1:]) <= stages
        assert ("run" in step) != ("uses" in step)
    workflow = load(path)
    assert workflow[True]  # the key "on", which YAML 1.1 reads as a truth
    assert workflow["permissions"] == {"contents": "read"}


def test_every_stage_but_that_on_real_data_is_run_by_a_workflow() -> None:
    called = {word for path in WORKFLOWS for step in steps(path) for word in step.get("run", "").split()}
    stages = set(re.findall(r"^run_(\w+)\(\)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE))
    assert stages - called == {"data"}


def test_the_matrix_is_that_of_the_supported_versions() -> None:
    matrix = load(ROOT / ".github/workflows/tests.yml")["jobs"]["stranger"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == [f"3.{minor}" for minor in range(10, 15)]
    assert project()["requires-python"] == ">=3.10"


def test_the_oldest_versions_that_are_allowed_are_those_that_are_tested() -> None:
    bounds = dict(line.partition(";")[0].strip().split(">=") for line in project()["dependencies"])
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert bounds.keys() - pins.keys() == {"tomli"}  # which only Python 3.10 needs
    assert pins.keys() <= bounds.keys()
    assert all(f"{pin}.".startswith(f"{bounds[name]}.") for name, pin in pins.items())


def test_only_a_tag_publishes_and_without_a_stored_token() -> None:
    jobs = load(ROOT / ".github/workflows/release.yml")["jobs"]
    publishing = [job for job in jobs.values() if "pypi-publish" in str(job)]
    assert len(publishing) == 1
    assert publishing[0]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert publishing[0]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_valid(path: Path) -> None:
    form = load(path)
    assert {"name", "description", "body"} <= set(form)
    identifiers = [field["id"] for field in form["body"]]
    assert len(identifiers) == len(set(identifiers))
    for field in form["body"]:
        assert field["type"] in {"textarea", "input", "dropdown"}
        assert field["attributes"]["label"]
        assert field["type"] != "dropdown" or len(field["attributes"]["options"]) > 1


def test_the_other_files_parse() -> None:
    assert load(ROOT / ".github/dependabot.yml")["version"] == 2
    assert {each["package-ecosystem"] for each in load(ROOT / ".github/dependabot.yml")["updates"]} == {
        "pip",
        "github-actions",
    }
    assert load(ROOT / ".github/ISSUE_TEMPLATE/config.yml")["contact_links"]


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"])
def test_links_between_the_files_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (ROOT / link).exists(), link
    for folder in re.findall(r"`(tests/[\w/]+|docs/[\w/.]+)`", text):
        assert (ROOT / folder).exists(), folder


def test_the_links_of_the_project_go_to_its_home() -> None:
    urls = project()["urls"]
    assert all(url.startswith(urls["Homepage"]) for url in urls.values())
