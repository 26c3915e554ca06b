"""A telephone number, added by a message from it: the page that shows a code, and the door of the gateway that passes
messages on. Templates: phones/.

Where no gateway is set up there is no such page. Nothing is ever sent to a telephone.
"""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.factors.codes import shown
from app.accounts.phones.messages import check_fresh, check_signature, open_number, read_message
from app.accounts.phones.store import CODE_LIVES, add_code, find_phone, remove_phone, take_message
from app.config import Config
from app.web.browsers import browser_of
from app.web.respond import AnyRequest, onward, page
from app.web.session import house_of, visitor_of
from commons.clock import now
from commons.errors import NotFound

TIMESTAMP, SIGNATURE = "x-khma-timestamp", "x-khma-signature"


class MyPhone(Controller):
    """One's own number."""

    path = "/{lang:str}/me/phone"

    @get(name="phones.show")
    async def show(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Show the number that was added, or how to add one."""
        return await _phone(request)

    @post(name="phones.begin")
    async def begin(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Draw a code and show it, this one time, with the number to send it to."""
        secret, account_id = _offered(request).secret, visitor_of(request).known_id
        code = await house_of(request).db.write(lambda session: add_code(session, secret, account_id))
        return await _phone(request, shown(code))

    @post("/remove", name="phones.remove")
    async def remove(self, request: AnyRequest, lang: FromPath[str]) -> Response[str]:
        """Take the number away."""
        secret, account_id, browser = _offered(request).secret, visitor_of(request).known_id, browser_of(request)
        await house_of(request).db.write(lambda session: remove_phone(session, secret, account_id, browser))
        return onward(request, "phones.show", done="saved")


@post("/gateway/messages", name="phones.receive", status_code=204)
async def receive(request: AnyRequest) -> None:
    """Take one message that a gateway passes on: JSON, signed, five minutes old at most, and taken once.

    What it answers says nothing of whether the code was right: who sent the message could be anybody.

    Raises: Forbidden "message.unsigned", "message.stale", "message.replayed"; Invalid "message.malformed",
            "phone.malformed"; Conflict "message.meanwhile".
    """
    house, body = house_of(request), await request.body()
    timestamp, signature = (request.headers.get(name, "") for name in (TIMESTAMP, SIGNATURE))
    check_signature(house.config.sms_secret, timestamp, body, signature)
    message = read_message(body)

    async def work(session: AsyncSession) -> None:
        check_fresh(timestamp, await now(session))
        await take_message(session, house.config.secret, message, signature.lower())

    await house.db.write(work)


def _offered(request: AnyRequest) -> Config:
    """Give the settings. Raises NotFound "phone.none_here" where no gateway is set up."""
    config = house_of(request).config
    if not config.sms_number or not config.sms_secret:
        raise NotFound("phone.none_here")
    return config


async def _phone(request: AnyRequest, code: str = "") -> Response[str]:
    config, account_id = _offered(request), visitor_of(request).known_id
    async with house_of(request).db.reading() as session:
        phone = await find_phone(session, account_id)
    return await page(
        request,
        "phones/show.html",
        phone=phone,
        number=open_number(config.secret, account_id, phone.sealed) if phone else "",
        ours=config.sms_number,
        code=code,
        minutes=int(CODE_LIVES.total_seconds()) // 60,
    )


ROUTES: list[Any] = [MyPhone, receive]
