"""The bot below /zoom of a Starlette site, which starts and stops it with itself.

uvicorn with_starlette:app --port 8080
"""

from bot import app as bot
from bot import asked
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route


async def front_page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{sum(map(len, asked.values()))} requests at the front desk")


app = Starlette(routes=[Route("/", front_page), Mount("/zoom", bot)], lifespan=bot.lifespan)
