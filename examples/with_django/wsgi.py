"""The site and the bot, on WSGI: one process, many threads.

gunicorn with_django.wsgi:application --bind 127.0.0.1:8080 --workers 1 --threads 8
"""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import shift_path_info

from bot import app as bot
from django.core.wsgi import get_wsgi_application

from with_django.database import django_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "with_django.settings")

bot.middleware(django_connections)
site, zoom = get_wsgi_application(), bot.wsgi()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"].startswith("/zoom/"):
        shift_path_info(environ)  # from now on /zoom is where it is mounted
        return zoom(environ, start_response)
    return site(environ, start_response)
