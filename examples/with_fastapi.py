"""The bot below /zoom of a FastAPI site, which starts and stops it with itself.

uvicorn with_fastapi:app --port 8080
"""

from bot import app as bot
from bot import asked
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI(lifespan=bot.lifespan)
app.mount("/zoom", bot)


@app.get("/", response_class=PlainTextResponse)
async def front_page() -> str:
    return f"{sum(map(len, asked.values()))} requests at the front desk"
