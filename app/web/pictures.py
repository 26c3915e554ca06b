"""Pictures, given out as what they are and nothing else, while something on the pages shows them."""

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest
from app.web.session import house_of
from commons.errors import NotFound
from commons.media.store import get_picture
from commons.services.store import is_picture_shown

KEPT_SECONDS = 3600  # what is taken off the pages leaves browsers and proxies within the hour


@get("/pictures/{picture_id:uuid}", name="pictures.show")
async def show(request: AnyRequest, picture_id: FromPath[UUID]) -> Response[bytes]:
    """Give one picture; its address never stands for another."""
    async with house_of(request).db.reading() as session:
        if not await is_picture_shown(session, picture_id):
            raise NotFound("picture.unknown")
        picture = await get_picture(session, picture_id)
    headers = {"Cache-Control": f"public, max-age={KEPT_SECONDS}, immutable", "Content-Security-Policy": "sandbox"}
    return Response(picture.webp, media_type="image/webp", headers=headers)


ROUTES = [show]
