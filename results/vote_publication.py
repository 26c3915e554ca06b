"""stub"""
from commons.errors import Conflict
async def prepare_vote(session, poll_id): raise Conflict("poll.unknown")
async def publish_vote(session, prepared): ...
