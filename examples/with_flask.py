"""The bot below /zoom of a Flask site, behind WSGI: one process, many threads.

gunicorn with_flask:app --bind 127.0.0.1:8080 --workers 1 --threads 8
"""

from bot import app as bot
from bot import asked
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

app = Flask(__name__)


@app.get("/")
def front_page() -> str:
    return f"{sum(map(len, asked.values()))} requests at the front desk"


app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/zoom": bot.wsgi()})
