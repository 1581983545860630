"""Response times of `deblur web`, with a photograph of 12 megapixels.

    python -m benchmarks.speed.web [--whole]

The real command answers over HTTP, warmed up, as it is when the page opens. `--whole` waits until the restoration is
done.
"""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage import data

from benchmarks._arguments import argument_parser
from deblur import psf
from deblur.operators import Convolution

BLUR = {"kind": "disk", "radius": 4}


def photograph(height: int = 3000, width: int = 4000) -> bytes:
    """Return a JPEG: a sharp photograph of that size, out of focus, with noise of 1 %."""
    scene = cv2.resize(data.coffee().astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_CUBIC)
    blurred = Convolution(psf.disk(BLUR["radius"]), scene.shape[:2], "reflect")(np.moveaxis(scene, -1, 0))
    noisy = np.moveaxis(blurred, 0, -1) + np.random.default_rng(0).normal(0, 0.01, scene.shape)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@contextmanager
def served() -> Iterator[Any]:
    """Run the command, and yield a client of it."""
    import httpx

    command = str(Path(sys.executable).with_name("deblur"))
    process = subprocess.Popen([command, "web", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        with httpx.Client(base_url=url, timeout=3600) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def timed(name: str, request: Callable[[], Any]) -> Any:
    """Print how long an answer takes, and return it."""
    start = time.perf_counter()
    answer = request()
    print(f"{name:58s} {time.perf_counter() - start:8.2f} s", flush=True)
    return answer


def wait(client: Any, photo: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Poll the progress until `until` returns true."""
    while not until(status := client.get(f"{photo}/job").json()):
        time.sleep(0.05)
    return status


def main() -> None:
    """Print seconds of each request."""
    parser = argument_parser(__doc__)
    parser.add_argument("--whole", action="store_true")
    arguments = parser.parse_args()
    picture = photograph()
    with served() as client:
        small = client.post("/photos", params={"example": "cat"}).json()
        client.post(f"/photos/{small['id']}/job", json=BLUR).raise_for_status()
        wait(client, f"/photos/{small['id']}", lambda status: status["state"] == "done")

        opened = timed(
            "upload and open", lambda: client.post("/photos", params={"name": "a.jpg"}, content=picture)
        ).json()
        photo = f"/photos/{opened['id']}"
        box = {"left": 1800, "top": 1300, "width": 400, "height": 400}

        def preview(**options: Any) -> None:
            client.post(f"{photo}/preview", json={**BLUR, **box, **options}).raise_for_status()

        timed("first preview of 400 x 400", lambda: preview(fine=False))
        timed("another, the noise given", lambda: preview(fine=False, noise_level=0.01))
        timed("the same as the whole will be", lambda: preview(fine=True))
        start = time.perf_counter()
        client.post(f"{photo}/job", json=BLUR)
        first = wait(client, photo, lambda status: status["state"] == "running")
        print(f"{'whole photo: first progress':58s} {time.perf_counter() - start:8.2f} s, {first['what']}")
        wait(client, photo, lambda status: status["fraction"] > 0)
        print(f"{'whole photo: first part done':58s} {time.perf_counter() - start:8.2f} s")
        status = wait(client, photo, lambda status: status["seconds_left"] is not None)
        said = time.perf_counter() - start
        print(f"{'whole photo: time left is known':58s} {said:8.2f} s, {status['seconds_left']:.0f} s")
        timed("first preview meanwhile", lambda: preview(fine=False))
        if arguments.whole:
            wait(client, photo, lambda status: status["state"] == "done")
            print(f"{'whole photo: done':58s} {time.perf_counter() - start:8.2f} s")
        else:
            timed("cancel", lambda: client.delete(f"{photo}/job"))


if __name__ == "__main__":
    main()
