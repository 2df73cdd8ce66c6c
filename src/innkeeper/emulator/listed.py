"""How does Zoom give a long list? Page by page: `page_size`, and a `next_page_token`.

Source: https://developers.zoom.us/docs/api/using-zoom-apis/#pagination
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers

_SIZES: Final = {"users": (30, 300), "channels": (10, 50), "members": (10, 50)}
"""How many there are on a page of each list: usually, and at most."""
_TOKEN: Final = re.compile(r"p([0-9]{1,9})")


def page_of(request: Request, name: str, rows: Sequence[Any]) -> Response:
    """Answer with the page of a list that a request asks for."""
    usual, most = _SIZES[name]
    size = request.query_params.get("page_size", "") or str(usual)
    if not re.fullmatch(r"[0-9]{1,4}", size) or not 1 <= int(size) <= most:
        answers.refuse(request, "list.page_size", f"page_size is no number from 1 to {most}")
        return answers.json_answer({"code": 300, "message": "Validation Failed."}, 400)
    token = request.query_params.get("next_page_token", "") or "p0"
    known = _TOKEN.fullmatch(token)
    if known is None or int(known[1]) > len(rows):
        answers.refuse(request, "list.next_page_token", "this is no token of a page of this list")
        message = "The next page token is either invalid or has expired."
        return answers.json_answer({"code": 300, "message": message}, 400)
    end = int(known[1]) + int(size)
    body = {
        "page_size": int(size),
        "total_records": len(rows),
        "next_page_token": f"p{end}" if end < len(rows) else "",
        name: rows[int(known[1]) : end],
    }
    return answers.json_answer(body)
