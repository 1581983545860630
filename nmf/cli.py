"""The command line: ``python -m nmf separate drums.wav --components 3 -o DIR``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

try:
    import typer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("python -m nmf needs typer: pip install typer", name=error.name) from None

if TYPE_CHECKING:
    from nmf.fit.options import Callback

# Modules that compute are imported inside the command, so that --help is fast.
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Non-negative matrix factorization and deconvolution of sound."""


@app.command()
def separate(
    recording: Annotated[Path, typer.Argument(help="A wav, flac or ogg file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the components.")] = Path("components"),
    components: Annotated[int, typer.Option(min=1, help="Number of components, without --onsets.")] = 3,
    onsets: Annotated[
        Path | None, typer.Option(help="Text file with a line per onset: seconds, and the instrument's name.")
    ] = None,
    taps: Annotated[int, typer.Option(min=1, help="Length of a template, in frames.")] = 8,
    n_fft: Annotated[int, typer.Option(min=16, help="Samples in a frame.")] = 2048,
    hop: Annotated[int, typer.Option(min=1, help="Samples from one frame to the next.")] = 512,
    iterations: Annotated[int, typer.Option(min=1, help="Largest number of iterations.")] = 60,
    beta: Annotated[float, typer.Option(help="2 Euclidean, 1 Kullback-Leibler, 0 Itakura-Saito.")] = 1.0,
    alpha: Annotated[float, typer.Option(help="Exponent of the masks.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the random factors.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Separate a recording: one file per component, which sum to it, and a figure of the factors."""
    from nmf import audio
    from nmf.audio import figure

    samples, rate = audio.read(recording)
    times = None if onsets is None else read_onsets(onsets)
    names = list(times) if times else [f"component-{r + 1}" for r in range(components)]
    targets = [output / f"{recording.stem}-{name}.wav" for name in names]
    plot = output / f"{recording.stem}-factors.png"
    for target in (*targets, plot):
        if target.exists() and not force:
            raise FileExistsError(f"{target} exists already; --force replaces it")
    transform = audio.Spectrogram(n_fft, hop)
    with _progress_bar(iterations, recording.name) as callback:
        parts = audio.separate(
            samples,
            rate,
            components,
            onsets=times,
            taps=taps,
            transform=transform,
            alpha=alpha,
            beta=beta,
            max_iter=iterations,
            seed=seed,
            callback=callback,
            device=device,
        )
    output.mkdir(parents=True, exist_ok=True)
    for target, signal in zip(targets, parts.signals, strict=True):
        audio.write(target, signal, rate)
        print(target)
    if figure.save(plot, parts, rate, transform):
        print(plot)


@contextmanager
def _progress_bar(iterations: int, label: str) -> Iterator[Callback]:
    """Show a progress bar on stderr that the callback of a fit advances."""
    with typer.progressbar(length=iterations, label=label, file=sys.stderr) as bar:
        done = 0

        def advance(iteration: int, factors: object, objective: float) -> None:
            nonlocal done
            bar.update(iteration - done)
            done = iteration

        yield advance


def read_onsets(path: Path) -> dict[str, list[float]]:
    """Read lines of seconds and a name.

    Raises
    ------
    ValueError
        If a line is anything else, or there is none.
    """
    times: dict[str, list[float]] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            seconds, name = float(fields[0]), fields[1]
        except (ValueError, IndexError):
            raise ValueError(f"{path}, line {number}: expected seconds and a name, got {line!r}") from None
        times.setdefault(name, []).append(seconds)
    if not times:
        raise ValueError(f"{path}: has no onsets")
    return dict(sorted(times.items()))


def main() -> None:
    """Run the command; errors are one line, with exit code 2."""
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("nmf: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None and not isinstance(error, OSError | ValueError | TypeError | ImportError):
            raise
        print(f"nmf: {usage() if usage else error}", file=sys.stderr)
        sys.exit(2)
