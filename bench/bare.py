"""A page of any size and nothing behind it: what the framework and the server alone cost."""

from litestar import Litestar, MediaType, Response, get
from litestar.params import FromPath

FRAME = "<!doctype html><title>bare</title><p>"


@get("/{size:int}")
async def bare(size: FromPath[int]) -> Response[str]:
    """Give a page of so many bytes."""
    return Response(FRAME + "x" * (size - len(FRAME)), media_type=MediaType.HTML)


@get("/readyz")
async def ready() -> str:
    """Say that the server answers."""
    return "ready\n"


app = Litestar([bare, ready], openapi_config=None)
