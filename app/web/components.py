"""The living page of components: every part of the look, in every state. Template: templates/components/."""

from litestar import Response, get
from litestar.params import FromPath

from app.web.respond import AnyRequest, page


@get("/{lang:str}/components", name="components")
async def components(request: AnyRequest, lang: FromPath[str]) -> Response[str]:
    """Show the components."""
    return await page(request, "components/index.html")


ROUTES = [components]
