"""Pictures, given out as what they are and nothing else."""

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest
from app.web.session import house_of
from commons.media.store import get_picture


@get("/pictures/{picture_id:uuid}", name="pictures.show")
async def show(request: AnyRequest, picture_id: FromPath[UUID]) -> Response[bytes]:
    """Give one picture; its address never stands for another."""
    async with house_of(request).db.reading() as session:
        picture = await get_picture(session, picture_id)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "sandbox"}
    return Response(picture.webp, media_type="image/webp", headers=headers)


ROUTES = [show]
