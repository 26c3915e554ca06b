"""The living page of components: every part of the look, in every state. Template: templates/components/.

It is for whoever changes the look, so a demonstration alone has it: nobody comes to an installation for it.
"""

from litestar import Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page
from app.web.session import house_of
from commons.errors import NotFound


@get("/{lang:str}/components", name="components")
async def components(request: AnyRequest, lang: FromPath[str]) -> Response[str]:
    """Show the components. Raises NotFound "door.nowhere" where this is no demonstration."""
    if not house_of(request).config.demonstration:
        raise NotFound("door.nowhere")
    return await page(request, "components/index.html")


ROUTES = [components]
