"""The site's own page."""

from bot import asked
from django.http import HttpRequest, HttpResponse
from django.urls import path


def front_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{sum(map(len, asked.values()))} requests at the front desk")


urlpatterns = [path("", front_page)]
