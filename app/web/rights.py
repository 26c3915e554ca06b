"""What people may do about what is kept of them: take it home, change their address, erase it. Templates: rights/.

A form here that asks for the password is shown once the second factor was shown: no page carries a password on.
"""

import json

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.events import note
from app.accounts.guarding import begin_letter
from app.accounts.limits import FACTOR_OF_ACCOUNT, PASSWORD_OF_ACCOUNT
from app.accounts.rights.erasing import erase
from app.accounts.rights.export import gather
from app.accounts.rights.moving import ask_to_move, find_moved, move, move_back, read_new_address
from app.accounts.sessions import DEVICE_KNOWN_FOR
from app.accounts.store import check_address, get_account
from app.accounts.tables import Event
from app.jobs.store import enqueue
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, onward, page
from app.web.session import check_password, house_of, keep_cookie, trier_of, visitor_of
from commons.errors import Conflict, Invalid

FILE = "khma-my-data.json"


class MyData(Controller):
    """Everything that is kept of somebody, as one file."""

    path = "/{lang:str}/me/data"

    @post(name="rights.download")
    async def download(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Give it; the security log tells that it was given, for a stranger may have asked."""
        account_id, browser = visitor_of(request).known_id, browser_of(request)
        secret = house_of(request).config.secret

        async def work(session: AsyncSession) -> str:
            await note(session, Event.DATA_DOWNLOADED, who=account_id, browser=browser)
            kept = await gather(session, secret, await get_account(session, account_id))
            return json.dumps(kept, ensure_ascii=False, indent=1)

        text = await house_of(request).db.write(work)
        headers = {"Content-Disposition": f'attachment; filename="{FILE}"'}
        return Response(text + "\n", status_code=200, media_type=MediaType.JSON, headers=headers)


class MyAddress(Controller):
    """Another e-mail address, confirmed by a letter to it."""

    path = "/{lang:str}/me/address"

    @get(name="rights.address")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Ask for it."""
        return await page(request, "rights/address.html", email="", error=None)

    @post(name="rights.address_send")
    async def send(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Write a letter to the new address; nothing changes yet, and nobody learns whether it has an account."""
        house, visitor = house_of(request), visitor_of(request)
        typed = visitor.text("email")
        try:
            address = check_address(typed)
            await check_password(request, visitor.known_id, "current")
            begin_letter(house.limits, house.config.secret, trier_of(request, address, known=False))

            async def work(session: AsyncSession) -> None:
                account = await get_account(session, visitor.known_id)
                await ask_to_move(session, house.config.secret, account, address, lang)

            await house.db.write(work)
        except Invalid as error:
            return await page(request, "rights/address.html", error.status, email=typed, error=error)
        return onward(request, "accounts.sent")

    @get("/{token:str}", name="rights.address_confirm")
    async def confirm(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Show which address it will be; opening a link from a letter changes nothing."""
        async with house_of(request).db.reading() as session:
            account = await get_account(session, visitor_of(request).known_id)
        address = read_new_address(house_of(request).config.secret, account, token)
        return await page(request, "rights/confirm.html", email=address, link=token, error=None)

    @post("/{token:str}", name="rights.address_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Change it, and tell the old address, with a way back."""
        secret, account_id = house_of(request).config.secret, visitor_of(request).known_id
        browser = browser_of(request)
        await house_of(request).db.write(lambda session: move(session, secret, account_id, token, lang, browser))
        return onward(request, "accounts.me", done="address-changed")


class OldAddress(Controller):
    """The way back, for whoever reads the letters to the old address."""

    path = "/{lang:str}/address-undo/{token:str}"

    @get(name="rights.address_undo")
    async def ask(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Say what will happen; opening a link from a letter changes nothing."""
        async with house_of(request).db.reading() as session:
            _, address = await find_moved(session, house_of(request).config.secret, token)
        return await page(request, "rights/undo.html", email=address, link=token, error=None)

    @post(name="rights.address_undo_save")
    async def save(self, request: AnyRequest, lang: FromPath[str], token: FromPath[str]) -> Response[str]:
        """Give the old address back."""
        secret, browser = house_of(request).config.secret, browser_of(request)
        await house_of(request).db.write(lambda session: move_back(session, secret, token, lang, browser))
        return onward(request, "home", done="address-back")


class Erasing(Controller):
    """The end of an account."""

    path = "/{lang:str}/me/erase"

    @get(name="rights.erasing")
    async def ask(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Say what goes, what stays and why, and ask for the password."""
        return await page(request, "rights/erase.html", error=None)

    @post(name="rights.erase")
    async def erase(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Erase it, and have this browser forget whose it was."""
        house, visitor = house_of(request), visitor_of(request)
        account_id, email, browser = visitor.known_id, visitor.email, browser_of(request)

        async def work(session: AsyncSession) -> None:
            await erase(session, account_id, browser)
            await enqueue(session, "ledger.sequence")  # the ends of roles

        try:
            await check_password(request, visitor.known_id, "current")
            await house.db.write(work)
        except (Invalid, Conflict) as error:
            return await page(request, "rights/erase.html", error.status, error=error)
        house.limits.succeeded(PASSWORD_OF_ACCOUNT.scope, email)
        house.limits.succeeded(FACTOR_OF_ACCOUNT.scope, str(account_id))
        await house.db.shorten_log()
        visitor.sign_out()
        keep_cookie(request, house.config.device_cookie_name, "", DEVICE_KNOWN_FOR)
        answer = onward(request, "home", done="erased")
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer


ROUTES = [MyData, MyAddress, OldAddress, Erasing]
