"""The doors of the page: what can be asked for over HTTP, and what comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deblur.web import _asked
from deblur.web._desk import FAILED, LOGGER, BusyError, Desk, Held, Job
from deblur.web._guard import Guard
from deblur.web._limits import MEGA, Limits, RefusedError
from deblur.web._worker import SupersededError

_PAGE = Path(__file__).parent / "page"
_MOST_PSF = 8 * MEGA
_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".tif": "image/tiff"}


class AbsentError(Exception):
    """There is nothing of that id."""


def make_app(limits: Limits | None = None, *, workers: int = 1, hosts: tuple[str, ...] | None = None) -> Starlette:
    """Return the page as an ASGI application.

    Parameters
    ----------
    limits : Limits, optional
        How much it takes on.
    workers : int
        How many photographs are restored at once; the others wait.
    hosts : tuple of str, optional
        Names that the server answers to, so that no foreign page can pass for it; any if None.

    Returns
    -------
    starlette.applications.Starlette
        For uvicorn, or another ASGI server, with one process.

    Raises
    ------
    ValueError
        If `workers` is not positive.

    Examples
    --------
    >>> from deblur.web import Limits, make_app
    >>> app = make_app(Limits(pixels=10_000_000))
    >>> len(app.routes) > 5
    True
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.desk = desk = Desk(limits, workers)
        try:
            await desk.open()
            app.state.thumbnails = await desk.looker.run("thumbnails")
            yield
        finally:
            await desk.close()

    routes = [
        Route("/", _index),
        Mount("/page", StaticFiles(directory=_PAGE)),
        Route("/limits", _limits),
        Route("/examples/{name}.jpg", _thumbnail),
        Route("/photos", _upload, methods=["POST"]),
        Route("/photos/{id}", _keep),
        Route("/photos/{id}/view", _view),
        Route("/photos/{id}/psf", _upload_psf, methods=["POST"]),
        Route("/photos/{id}/preview", _preview, methods=["POST"]),
        Route("/photos/{id}/forget", _forget, methods=["POST"]),
        Route("/photos/{id}/job", _start, methods=["POST"]),
        Route("/photos/{id}/job", _progress),
        Route("/photos/{id}/job", _cancel, methods=["DELETE"]),
        Route("/photos/{id}/job/{part:str}", _result),
    ]
    said: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        RefusedError: _say(422),
        BusyError: _say(503),
        AbsentError: _say(404),
        SupersededError: _say(409),
        HTTPException: _say_plainly,
        Exception: _say_nothing,
    }
    middleware = [Middleware(Guard, hosts=hosts)]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=said, middleware=middleware)


def _say(status: int) -> Callable[[Request, Any], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return handler


async def _say_plainly(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": str(error.detail)}, error.status_code)


async def _say_nothing(request: Request, error: Exception) -> Response:
    LOGGER.error("%s: %s", type(error).__name__, error)
    return JSONResponse({"error": FAILED}, 500)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _held(request: Request) -> Held:
    held = _desk(request).photos.get(request.path_params["id"])
    if held is None:
        raise AbsentError("This photo is not here any more: it was idle for too long. Choose it again.")
    held.seen = time.monotonic()
    return held


def _job(request: Request) -> Job:
    job = _held(request).job
    if job is None:
        raise AbsentError("Nothing has been asked for.")
    job.seen = time.monotonic()
    return job


async def _index(request: Request) -> Response:
    return FileResponse(_PAGE / "index.html")


async def _limits(request: Request) -> Response:
    limits = _desk(request).limits
    return JSONResponse({"file_bytes": limits.file_bytes, "pixels": limits.pixels})


async def _thumbnail(request: Request) -> Response:
    thumbnail = request.app.state.thumbnails.get(request.path_params["name"])
    if thumbnail is None:
        raise AbsentError("There is no such example.")
    return Response(thumbnail, media_type="image/jpeg")


async def _upload(request: Request) -> Response:
    desk = _desk(request)
    wanted = request.query_params.get("example")
    with desk.arrival(_asked.length(request)):
        if wanted is None:
            data = await _asked.body(request, desk.limits.file_bytes, "file")
            held = Held(_asked.file_name(request.query_params.get("name", "")), data)
        elif wanted in request.app.state.thumbnails:
            held = Held(f"{wanted}.png", await desk.looker.run("example", which=wanted))
        else:
            raise AbsentError("There is no such example.")
        held.facts = await desk.looker.run("open", key=held.id, data=held.data)
        desk.hold(held)
    return JSONResponse({"id": held.id, "name": held.name, "bytes": len(held.data), **held.facts}, 201)


async def _keep(request: Request) -> Response:
    _held(request)  # which notes that somebody is still there
    return Response(status_code=204)


async def _view(request: Request) -> Response:
    held = _held(request)
    if held.facts["suffix"] != ".tif":
        return Response(held.data, media_type=_TYPES[held.facts["suffix"]])
    return Response(await _desk(request).looker.run("view", key=held.id, data=held.data), media_type="image/jpeg")


async def _upload_psf(request: Request) -> Response:
    held = _held(request)
    name = _asked.file_name(request.query_params.get("name", ""))
    data = await _asked.body(request, _MOST_PSF, "PSF file")
    suffix = PurePosixPath(name).suffix.lower()
    held.psf = await _desk(request).looker.run("read_psf", data=data, suffix=suffix)
    assert held.psf is not None
    return JSONResponse({"name": name, "psf_shape": list(held.psf.shape)}, 201)


async def _preview(request: Request) -> Response:
    held = _held(request)
    asked = await _asked.fields(request)
    blur, fine = _asked.blur(asked, held), asked.get("fine") is True
    if blur is None:
        raise RefusedError("There is no preview before the blur has been found.")
    made = await _desk(request).looker.run(
        "preview",
        yields=fine,
        key=held.id,
        data=held.data,
        blur=blur,
        noise_level=_asked.noise_level(asked),
        box=_asked.box(asked),
        fine=fine,
    )
    return JSONResponse(made)


async def _forget(request: Request) -> Response:
    _desk(request).forget(_held(request))
    return Response(status_code=204)


async def _start(request: Request) -> Response:
    held = _held(request)
    asked = await _asked.fields(request)
    job = Job(held, _asked.blur(asked, held), _asked.noise_level(asked))
    await _desk(request).enqueue(job)
    return JSONResponse(_status(request, job), 202)


async def _progress(request: Request) -> Response:
    return JSONResponse(_status(request, _job(request)))


async def _cancel(request: Request) -> Response:
    job = _job(request)
    _desk(request).drop(job)
    return JSONResponse(_status(request, job))


def _status(request: Request, job: Job) -> dict[str, Any]:
    status = {"state": job.state, "part": round(job.part, 4), "what": job.what, "seconds_left": job.seconds_left}
    if job.state == "waiting":
        status["before"] = _desk(request).place(job)
    if job.error:
        status["error"] = job.error
    if job.state == "done":
        status["facts"] = job.result["facts"]
    return status


async def _result(request: Request) -> Response:
    job, part = _job(request), request.path_params["part"]
    if job.state != "done" or part not in ("file", "view", "psf"):
        raise AbsentError("There is no result.")
    suffix = job.held.facts["suffix"]
    if part == "psf":
        return Response(job.result["psf"], media_type="image/png")
    if part == "view" and job.result["view"] is not None:
        return Response(job.result["view"], media_type="image/jpeg")
    headers = {}
    if part == "file":
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(_restored_name(job.held))}"
    return Response(job.result["file"], media_type=_TYPES[suffix], headers=headers)


def _restored_name(held: Held) -> str:
    """Return ``name-restored.suffix``; the suffix is that of the name if it fits the content."""
    path, suffix = PurePosixPath(held.name), held.facts["suffix"]
    alike = {".jpeg": ".jpg", ".tiff": ".tif"}
    if alike.get(path.suffix.lower(), path.suffix.lower()) == suffix:
        suffix = path.suffix
    return f"{path.stem}-restored{suffix}"
