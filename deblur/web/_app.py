"""HTTP routes of the page: the requests it accepts, and their responses."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deblur.web import _validation as validation
from deblur.web._guard import Guard
from deblur.web._jobs import FAILED, LOGGER, Job
from deblur.web._limits import MEGA, BusyError, Limits, RefusedError
from deblur.web._sessions import Sessions, Upload
from deblur.web._visitors import Drain, unless_gone
from deblur.web._worker import SupersededError, WorkerError

_PAGE = Path(__file__).parent / "page"
_MAX_PSF_BYTES = 8 * MEGA  # a megapixel of float64, the largest PSF that a task accepts
_MEDIA_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".tif": "image/tiff"}


class AbsentError(Exception):
    """There is nothing under this address."""


def make_app(
    limits: Limits | None = None,
    *,
    workers: int = 1,
    hosts: tuple[str, ...] | None = None,
    device: str = "auto",
    token: str | None = None,
) -> Starlette:
    """Return the page as an ASGI application.

    Parameters
    ----------
    limits : Limits, optional
        Sizes, numbers and times.
    workers : int
        Number of photographs restored at once; the others wait.
    hosts : tuple of str, optional
        Host names that the server answers to, against DNS rebinding; any if None.
    device : str
        Where photographs are restored: ``"auto"`` (the default), ``"cpu"``, ``"cuda"`` or ``"mps"``.
    token : str, optional
        Secret that opens the page, as ``/?token=...``; a cookie holds it afterwards. Anyone may use the page if None.

    Returns
    -------
    starlette.applications.Starlette
        For uvicorn, or another ASGI server, with one process.

    Raises
    ------
    ValueError
        If `workers` is not positive, or `token` is empty or has other characters than those of URLs.

    Examples
    --------
    >>> from deblur.web import Limits, make_app
    >>> app = make_app(Limits(pixels=10_000_000))
    >>> len(app.routes) > 5
    True
    """
    limits = limits or Limits()
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if token is not None and not re.fullmatch(r"[\w.~-]+", token, re.ASCII):
        raise ValueError(f"token must be letters, digits, '-', '.', '_' and '~', got {token!r}")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.sessions = sessions = Sessions(limits, workers, device)
        try:
            await sessions.start()
            app.state.thumbnails = await sessions.preview_worker.run("thumbnails")
            yield
        finally:
            await sessions.stop()

    middleware = [Middleware(Drain, max_bytes=2 * limits.file_bytes), Middleware(Guard, hosts=hosts, token=token)]
    return Starlette(routes=_routes(), lifespan=lifespan, exception_handlers=_error_handlers(), middleware=middleware)


def _routes() -> list[Route | Mount]:
    return [
        Route("/", _index),
        Mount("/page", StaticFiles(directory=_PAGE)),
        Route("/limits", _limits),
        Route("/examples/{name}.jpg", _thumbnail),
        Route("/photos", _upload, methods=["POST"]),
        Route("/photos/{id}", _keep),
        Route("/photos/{id}/view", _view),
        Route("/photos/{id}/psf", _upload_psf, methods=["POST"]),
        Route("/photos/{id}/preview", _preview, methods=["POST"]),
        Route("/photos/{id}/forget", _remove, methods=["POST"]),
        Route("/photos/{id}/job", _start, methods=["POST"]),
        Route("/photos/{id}/job", _progress),
        Route("/photos/{id}/job", _cancel, methods=["DELETE"]),
        Route("/photos/{id}/job/{part:str}", _result),
    ]


def _error_handlers() -> dict[Any, Callable[[Request, Any], Awaitable[Response]]]:
    return {
        RefusedError: _respond_with(422),
        BusyError: _respond_with(503),
        AbsentError: _respond_with(404),
        SupersededError: _respond_with(409),
        HTTPException: _http_error,
        WorkerError: _internal_error,
        ClientDisconnect: _nobody,
        Exception: _internal_error,
    }


def _respond_with(status: int) -> Callable[[Request, Any], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return handler


async def _http_error(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": str(error.detail)}, error.status_code)


async def _internal_error(request: Request, error: Exception) -> Response:
    # The message may name paths of this machine: it goes to the log and not to the visitor.
    LOGGER.error("%s: %s", type(error).__name__, error)
    return JSONResponse({"error": FAILED}, 500)


async def _nobody(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=400)  # which nobody gets: the visitor has hung up


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _look(request: Request, name: str, **arguments: Any) -> Any:
    return await unless_gone(request, _sessions(request).look(name, **arguments))


def _requested_upload(request: Request) -> Upload:
    upload = _sessions(request).uploads.get(request.path_params["id"])
    if upload is None:
        raise AbsentError("This photo is no longer in memory: it was idle for too long. Choose it again.")
    upload.last_used = time.monotonic()
    return upload


def _requested_job(request: Request) -> Job:
    job = _requested_upload(request).job
    if job is None:
        raise AbsentError("No restoration of this photo was requested.")
    job.last_polled = time.monotonic()
    return job


async def _index(request: Request) -> Response:
    return FileResponse(_PAGE / "index.html")


async def _limits(request: Request) -> Response:
    limits = _sessions(request).limits
    return JSONResponse({"file_bytes": limits.file_bytes, "pixels": limits.pixels})


async def _thumbnail(request: Request) -> Response:
    thumbnail = request.app.state.thumbnails.get(request.path_params["name"])
    if thumbnail is None:
        raise AbsentError("There is no such example.")
    return Response(thumbnail, media_type="image/jpeg")


async def _upload(request: Request) -> Response:
    sessions = _sessions(request)
    example = request.query_params.get("example")
    visitor = request.client.host if request.client else ""
    with sessions.arrival(visitor, validation.content_length(request)) as arrived:
        if example is None:
            data = await validation.read_body(request, sessions.limits, "file", sessions.limits.file_bytes, arrived)
            upload = Upload(validation.file_name(request.query_params.get("name", "")), data)
        elif example in request.app.state.thumbnails:
            upload = Upload(f"{example}.png", await _look(request, "example", which=example))
            arrived(len(upload.data))
        else:
            raise AbsentError("There is no such example.")
        upload.facts = await _look(request, "open", key=upload.id, data=upload.data)
        sessions.add(upload)
    return JSONResponse({"id": upload.id, "name": upload.name, "bytes": len(upload.data), **upload.facts}, 201)


async def _keep(request: Request) -> Response:
    _requested_upload(request)  # which records that the visitor is still there
    return Response(status_code=204)


async def _view(request: Request) -> Response:
    upload = _requested_upload(request)
    if upload.facts["suffix"] != ".tif":
        return Response(upload.data, media_type=_MEDIA_TYPES[upload.facts["suffix"]])
    jpeg = await _look(request, "view", key=upload.id, data=upload.data)
    return Response(jpeg, media_type="image/jpeg")


async def _upload_psf(request: Request) -> Response:
    upload = _requested_upload(request)
    name = validation.file_name(request.query_params.get("name", ""))
    data = await validation.read_body(request, _sessions(request).limits, "PSF file", _MAX_PSF_BYTES)
    suffix = PurePosixPath(name).suffix.lower()
    psf = await _look(request, "read_psf", data=data, suffix=suffix)
    upload.psf = psf
    return JSONResponse({"name": name, "psf_shape": list(psf.shape)}, 201)


async def _preview(request: Request) -> Response:
    upload = _requested_upload(request)
    fields = await validation.read_json(request, _sessions(request).limits)
    blur, fine = validation.blur(fields, upload), fields.get("fine") is True
    if blur is None:
        raise RefusedError("There is no preview until the blur has been detected.")
    preview = await _look(
        request,
        "preview",
        interruptible=fine,
        key=upload.id,
        data=upload.data,
        blur=blur,
        noise_level=validation.noise_level(fields),
        box=validation.box(fields),
        fine=fine,
    )
    return JSONResponse(preview)


async def _remove(request: Request) -> Response:
    _sessions(request).remove(_requested_upload(request))
    return Response(status_code=204)


async def _start(request: Request) -> Response:
    upload = _requested_upload(request)
    fields = await validation.read_json(request, _sessions(request).limits)
    suffix = str(upload.facts["suffix"])
    blur, noise_level = validation.blur(fields, upload), validation.noise_level(fields)
    estimated = validation.kind_of_blur(fields) if blur is None else "auto"
    job = Job(upload.data, suffix, blur, noise_level, estimated)
    _sessions(request).submit(upload, job)
    return JSONResponse(_status(request, job), 202)


async def _progress(request: Request) -> Response:
    return JSONResponse(_status(request, _requested_job(request)))


async def _cancel(request: Request) -> Response:
    job = _requested_job(request)
    _sessions(request).queue.cancel(job)
    return JSONResponse(_status(request, job))


def _status(request: Request, job: Job) -> dict[str, Any]:
    status = {
        "state": job.state,
        "fraction": round(job.fraction, 4),
        "stage": job.stage,
        "seconds_left": job.seconds_left,
    }
    if job.state == "waiting":
        status["jobs_ahead"] = _sessions(request).queue.jobs_ahead(job)
    if job.error:
        status["error"] = job.error
    if job.state == "done":
        status["facts"] = job.result["facts"]
    return status


async def _result(request: Request) -> Response:
    upload, job, part = _requested_upload(request), _requested_job(request), request.path_params["part"]
    if job.state != "done" or part not in ("file", "view", "psf"):
        raise AbsentError("There is no result.")
    if part == "psf":
        return Response(job.result["psf"], media_type="image/png")
    if part == "view" and job.result["view"] is not None:
        return Response(job.result["view"], media_type="image/jpeg")
    headers = {}
    if part == "file":
        name = _restored_name(upload.name, job.suffix)
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(job.result["file"], media_type=_MEDIA_TYPES[job.suffix], headers=headers)


def _restored_name(name: str, suffix: str) -> str:
    """Return ``name-restored.suffix``, keeping the spelling of the suffix (.jpeg, .TIFF) where it fits the content."""
    path = PurePosixPath(name)
    spellings = {".jpeg": ".jpg", ".tiff": ".tif"}
    if spellings.get(path.suffix.lower(), path.suffix.lower()) == suffix:
        suffix = path.suffix
    return f"{path.stem}-restored{suffix}"
