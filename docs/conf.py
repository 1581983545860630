"""The documentation site: pip install -c constraints.txt -e ".[docs]" && sphinx-build -W -b html docs docs/_build.

It is built from what the project has: the notebooks with their outputs, the docstrings, and the help of the commands.
Nothing is loaded from elsewhere, neither while it is built nor when it is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import _gather  # noqa: E402

import deblur  # noqa: E402

project = "deblur-toolkit"
copyright = "the deblur-toolkit developers, BSD-3-Clause"
version = release = deblur.__version__
html_title = f"deblur-toolkit {release}"

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "sphinx_design"]
exclude_patterns = ["_build", "jupyter_execute", "how-to/_*"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
nb_execution_mode = "off"  # the notebooks are run by the tests, and their outputs are committed
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # the README's pieces and the model card start where they do

default_role = "py:obj"  # `richardson_lucy` in a docstring is a link where there is one
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # numpydoc's Parameters have them, with shapes and units
# What a class has from a private base is part of it; what it has from these is told elsewhere.
_TOLD_ELSEWHERE = (
    *("Module", "Optimizer", "LinearOperator", "tuple", "OSError", "Protocol"),
    *("ClassNamePrefixFeaturesOutMixin", "_SetOutputMixin", "TransformerMixin", "BaseEstimator"),
)
autodoc_default_options = {
    "members": True,
    "inherited-members": ",".join(_TOLD_ELSEWHERE),
    "exclude-members": "extra_repr, add_note, with_traceback, get_metadata_routing",
}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

templates_path: list[str] = []
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}
html_math_renderer = "mathml"


def setup(app: object) -> None:
    """Gather what is written elsewhere, and draw formulas as MathML, which browsers know without a script."""
    _gather.everything(HERE)
    _gather.connect(app)
