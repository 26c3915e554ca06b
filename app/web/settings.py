"""Reading settings: colours, size of text, language; kept in a cookie that says nothing else. Templates: settings/."""

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath

from app.config import LANGUAGES
from app.web.respond import LOOK_COOKIE, THEMES, AnyRequest, go, page, safe_place
from app.web.session import house_of, visitor_of

A_YEAR_SECONDS = 365 * 24 * 3600


class SettingsPages(Controller):
    """Choose how pages look."""

    path = "/{lang:str}/settings"

    @get(name="settings.show")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the choices."""
        return await page(request, "settings/show.html", back=safe_place(request.query_params.get("back", ""), request))

    @post(name="settings.save")
    async def save(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Keep the choices in a cookie, and go back to where the reader came from."""
        form = visitor_of(request).form
        wishes = []
        if form.get("theme") in THEMES:
            wishes.append(f"theme={form['theme']}")
        if form.get("text") == "large":
            wishes.append("text=large")
        language = form.get("lang") if form.get("lang") in LANGUAGES else lang
        wishes.append(f"lang={language}")
        back = safe_place(str(form.get("back", "")), request)
        answer = go(request, f"/{language}/{back.lstrip('/').partition('/')[2]}".rstrip("/"))
        answer.set_cookie(
            Cookie(
                key=LOOK_COOKIE,
                value=".".join(wishes),
                max_age=A_YEAR_SECONDS,
                path="/",
                httponly=True,
                secure=house_of(request).config.secure,
                samesite="lax",
            )
        )
        return answer


ROUTES = [SettingsPages]
