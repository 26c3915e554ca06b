"""Keep pictures and give them out."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from commons.errors import NotFound
from commons.media.pictures import clean
from commons.media.tables import Picture
from commons.tables import Texts


async def add_picture(session: AsyncSession, organisation_id: UUID, data: bytes, descriptions: Texts) -> Picture:
    """Clean a picture and keep it. Raises Invalid as `clean` does."""
    webp, width, height = clean(data)
    picture = Picture(organisation_id=organisation_id, descriptions=descriptions, width=width, height=height, webp=webp)
    session.add(picture)
    await session.flush()
    return picture


async def get_picture(session: AsyncSession, picture_id: UUID) -> Picture:
    """Get one picture. Raises NotFound."""
    if (picture := await session.get(Picture, picture_id)) is None:
        raise NotFound("picture.unknown")
    return picture
