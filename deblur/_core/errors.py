"""Error messages that teach."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def suggestion(name: str, choices: Sequence[str]) -> str:
    """Suggest the choice most like a misspelt name, or list them all.

    Examples
    --------
    >>> suggestion("wienr", ["wiener", "fused"])
    "did you mean 'wiener'?"
    >>> suggestion("x", ["wiener", "fused"])
    'there are wiener, fused'
    """
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(choices)}"
