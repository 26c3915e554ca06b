"""For those who run the house: is it alive, is it ready, and how much is waiting. No page, no person, no vote."""

import hmac
import ipaddress

from litestar import Response, get

from app.db import Away
from app.jobs.store import count_jobs
from app.letters.outbox import count_letters
from app.web.respond import AnyRequest
from app.web.session import house_of
from commons.clock import now
from commons.errors import Forbidden

TEXT = "text/plain"


@get("/healthz", name="operating.health")
async def health() -> Response[str]:
    """Say that the process answers."""
    return Response("alive\n", media_type=TEXT)


@get("/readyz", name="operating.ready")
async def ready(request: AnyRequest) -> Response[str]:
    """Say whether the database answers too."""
    try:
        async with house_of(request).db.reading() as session:
            await now(session)
    except Away:
        return Response("database away\n", status_code=503, media_type=TEXT)
    return Response("ready\n", media_type=TEXT)


@get("/metrics", name="operating.metrics")
async def metrics(request: AnyRequest) -> Response[str]:
    """Count what waits, for a monitor on this machine or one that has the token. Raises Forbidden for others."""
    token = house_of(request).config.metrics_token
    sent = request.headers.get("authorization", "")
    if not (token and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())) and not _is_local(request):
        raise Forbidden("door.not_allowed")
    async with house_of(request).db.reading() as session:
        jobs, letters = await count_jobs(session), await count_letters(session)
    lines = [
        "# TYPE khma_jobs gauge",
        *(f'khma_jobs{{state="{state}"}} {number}' for state, number in sorted(jobs.items())),
        "# TYPE khma_letters gauge",
        *(f'khma_letters{{fate="{fate}"}} {number}' for fate, number in sorted(letters.items())),
    ]
    return Response("\n".join(lines) + "\n", media_type=TEXT)


def _is_local(request: AnyRequest) -> bool:
    """Tell whether the caller is this machine itself, and not a proxy on it that passes others on."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or request.client is None:
        return False
    return ipaddress.ip_address(request.client.host).is_loopback


ROUTES = [health, ready, metrics]
