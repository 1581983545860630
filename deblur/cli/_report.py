"""What is said of a restoration: its record for the JSON, its line, and the decisions for --verbose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deblur.cli._psf import by

if TYPE_CHECKING:
    from deblur import Restoration
    from deblur.restoration._next_steps import Step

_MOST = 16  # values of a list that are printed

_SAID = {
    "input", "output", "method", "changed", "seconds", "psf_shape", "psf_sum", "reason", "certainty", "noise_level",
    "next_step", "next_steps", "pages", "kind_reason", "noise_source",
}  # fmt: skip
"""Facts that the line states, or that stand beside another."""

_TRIES = 2
"""Next steps that are printed: more would not be read. The JSON has them all."""

_TRY: dict[Step, str] = {
    "smaller": "a copy of half its size",
    "shake": "--blur shake for a shake of the camera",
    "focus": "--blur focus for a lens out of focus",
    "motion": "--blur motion for a straight motion",
    "size": "--psf-size with the extent of the blur in pixels",
    "crop": "a crop that is blurred alike everywhere",
    "psf": "--psf with a PSF that is known",
}

_LABELS = {
    "linear": "light",
    "saturation": "clipped from",
    "psf_notes": "PSF",
    "notes": "note",
    "clipped": "samples clipped",
    "num_iter": "iterations",
}


def record_of(made: Restoration, *, lost: Sequence[str] = (), kept: Sequence[str] = ()) -> dict[str, Any]:
    """Return the record of a restoration for the JSON: the result, and all that was decided.

    Parameters
    ----------
    made : Restoration
        The result.
    lost : sequence of str
        Notes on what its file does not hold.
    kept : sequence of str
        Notes that are not true of its file.
    """
    details = made.details
    record: dict[str, Any] = {
        "method": made.method,
        "changed": made.changed,
        "noise_level": made.noise_level,
        "seconds": round(made.seconds, 3),
        "psf_shape": made.psf.shape,
        "psf_sum": details["psf_sum"] if details["psf_sum"] is not None else 1.0,
    }
    if made.confidence is not None:
        record |= {"reason": made.reason, "confidence": round(made.confidence, 3), "certainty": made.certainty}
    elif made.reason:
        record["reason"] = made.reason
    if not made.changed:
        record["next_step"] = _next_step(details.get("next_steps", ()))
    record["notes"] = [*(note for note in details.get("notes", ()) if note not in kept), *lost]
    return record | {name: plain(value) for name, value in details.items() if name not in record}


def plain(value: Any) -> Any:
    """Return a value as JSON has it: long arrays by their shape, what JSON does not know by its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if hasattr(value, "shape") and hasattr(value, "tolist"):
        return value.tolist() if np.prod(value.shape) <= _MOST else f"array of {by(tuple(value.shape))}"
    return str(value)


def _next_step(steps: Sequence[Step]) -> str:
    """Return what to try where a picture was left as it was, in a clause; empty where nothing would help."""
    wordings = [_TRY[step] for step in steps[:_TRIES]]
    return f"if it is blurred, try {' or '.join(wordings)}" if wordings else ""


def line_of(record: Mapping[str, Any]) -> str:
    """Return the line on a picture, whatever became of it."""
    if "error" in record:
        return f"error: {record['error']}"
    if "skipped" in record:
        return f"{record['input']}: skipped: {record['skipped']}"
    start = f"{record['input']} -> {record['output']}"
    if record.get("changed") is False:
        said = "; ".join(filter(None, [record.get("reason", ""), record["next_step"], *_texts(record.get("notes"))]))
        return f"{start} (left as it was, {record['seconds']:.1f} s): {said}"
    if "method" not in record:  # the worker that restored it is gone, and its record with it
        return f"{start}: {record['reason']}"
    facts = [record["method"]]
    if record.get("kind") == "counts":
        facts.append("counts")
    if "confidence" in record:
        facts += [f"PSF {by(record['psf_shape'])}", f"confidence {record['certainty']}"]
    if record["noise_level"] is not None:
        facts.append(f"noise {record['noise_level']:.2g}")
    if abs(record["psf_sum"] - 1) > 1e-3:
        facts.append(f"PSF scaled from sum {record['psf_sum']:.4g} to 1")
    facts.append(f"{record['seconds']:.1f} s")
    remarks = [record.get("reason", ""), *_texts(record.get("psf_notes")), *_texts(record.get("notes"))]
    said = "; ".join(filter(None, remarks))
    return f"{start} ({', '.join(facts)})" + (f": {said}" if said else "")


def tally_of(records: Sequence[Mapping[str, Any]]) -> str:
    """Return how many pictures were restored, unchanged, and failed; empty if all were restored."""
    outcomes = {"restored": 0, "unchanged": 0, "failed": 0}
    for record in records:
        is_restored = record.get("changed", True)
        outcomes["failed" if "error" in record else "restored" if is_restored else "unchanged"] += 1
    if outcomes["restored"] == len(records):
        return ""
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)


def decisions_of(record: Mapping[str, Any]) -> list[str]:
    """Return what was decided about a picture, a line each, for --verbose."""
    lines = []
    for name, value in record.items():
        if name in _SAID or value is None or value in ([], {}, ""):
            continue
        if name == "kind":
            lines.append(f"kind: {value}{_because(record.get('kind_reason'))}")
        elif name == "linear":
            lines.append(f"light: {'linear' if value else 'values as stored'}")
        elif name == "stages":
            lines.append(f"seconds: {', '.join(f'{stage} {seconds:.1f}' for stage, seconds in value.items())}")
        elif name == "mask":
            shares = (f"{why} {share:.3g}" for why, share in _percentages(value))
            lines.append(f"left out, in percent: {', '.join(shares)}")
        else:
            lines.append(f"{_LABELS.get(name, name.replace('_', ' '))}: {_shown(value)}")
    if record.get("noise_level") is not None:
        lines.append(f"noise level: {record['noise_level']:.3g}{_because(record.get('noise_source'))}")
    return [f"  {line}" for line in lines]


def _because(reason: Any) -> str:
    return f" ({_shown(reason)})" if reason else ""


def _shown(value: Any) -> str:
    """Write a value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        sizes = value and all(isinstance(each, int) and not isinstance(each, bool) for each in value)
        more = ["..."] if len(value) > _MOST else []
        return by(tuple(value)) if sizes else ", ".join([*map(_shown, value[:_MOST]), *more])
    return str(value)


def _percentages(mask: Any) -> list[tuple[str, float]]:
    shares = mask if isinstance(mask, Mapping) else {"of all pixels": mask}
    return [(str(why), 100 * float(share)) for why, share in shares.items()]


def _texts(notes: Any) -> list[str]:
    return [notes] if isinstance(notes, str) else [str(note) for note in notes or ()]
