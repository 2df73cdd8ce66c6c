"""The site and the bot, on ASGI. Django takes no part in a lifespan; the bot does.

uvicorn with_django.asgi:application --port 8080
"""

import os

from bot import app as bot
from django.core.asgi import get_asgi_application
from starlette.applications import Starlette
from starlette.routing import Mount

from with_django.database import django_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "with_django.settings")

bot.middleware(django_connections)
application = Starlette(
    routes=[Mount("/zoom", bot), Mount("/", get_asgi_application())], lifespan=bot.lifespan
)
