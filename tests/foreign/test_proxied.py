"""Which clients find the emulator by their environment alone? All that the how-to names."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

import pytest

from tests.foreign.proxied import Proxied
from tests.foreign.test_how_to import CLIENTS, HOW_TO

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

URL: Final = "https://api.zoom.us/v2/users/me"
ANSWER: Final = {"code": 124, "message": "Invalid access token."}

AXIOS: Final = f"""
const {{ default: axios }} = await import("axios");
const {{ data }} = await axios("{URL}", {{ validateStatus: null }});
console.log(JSON.stringify(data));
"""
COMPLAINT: Final = """
const { default: axios } = await import("axios");
const { message } = await axios(process.env.ASKED).catch((error) => error);
console.log(JSON.stringify(message));
"""
FETCH: Final = f"""
console.log(await (await fetch("{URL}")).text());
"""
REQUESTS: Final = f"""
import requests
print(requests.get("{URL}").text)
"""
URLLIB: Final = f"""
from urllib import error, request
try:
    request.urlopen("{URL}")
except error.HTTPError as refused:
    print(refused.read().decode())
"""
AIOHTTP: Final = f"""
import aiohttp, asyncio
async def ask():
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get("{URL}") as answer:
            print(await answer.text())
asyncio.run(ask())
"""


async def told(proxied: Proxied, *command: str, trusts: str, **besides: str) -> Any:
    """Run a client whose environment knows the proxy; read what Zoom tells it.

    Args:
        trusts: The variable by which the client learns whom to trust.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=CLIENTS,
        env={"HTTPS_PROXY": proxied.url, trusts: str(proxied.ca_file), **besides},
        stdout=PIPE,
        stderr=PIPE,
    )
    printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints
    return json.loads(printed)


@pytest.mark.parametrize(
    ("code", "trusts"),
    [
        pytest.param(REQUESTS, "REQUESTS_CA_BUNDLE", id="requests"),
        pytest.param(URLLIB, "SSL_CERT_FILE", id="urllib"),
        pytest.param(AIOHTTP, "SSL_CERT_FILE", id="aiohttp"),
    ],
)
async def test_clients_for_python(proxied: Proxied, code: str, trusts: str) -> None:
    assert await told(proxied, sys.executable, "-c", code, trusts=trusts) == ANSWER


@pytest.mark.node
async def test_axios(proxied: Proxied, node: Path) -> None:
    run = (str(node), "--input-type=module", "--eval", AXIOS)

    assert await told(proxied, *run, trusts="NODE_EXTRA_CA_CERTS") == ANSWER


@pytest.fixture
def proxying_node(node: Path) -> str:
    """Node, where its own fetch knows proxies."""
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    version = asked.stdout.strip()
    if int(version.strip("v").partition(".")[0]) < 24:
        pytest.skip(f"the fetch of Node {version} knows no proxy")
    return str(node)


@pytest.mark.node
async def test_fetch(proxied: Proxied, proxying_node: str) -> None:
    run = (proxying_node, "--input-type=module", "--eval", FETCH)

    answer = await told(proxied, *run, trusts="NODE_EXTRA_CA_CERTS", NODE_USE_ENV_PROXY="1")

    assert answer == ANSWER


async def test_curl(proxied: Proxied) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("NOT RUN: there is no curl here")

    assert await told(proxied, curl, "--silent", URL, trusts="CURL_CA_BUNDLE") == ANSWER


@pytest.mark.node
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"NODE_EXTRA_CA_CERTS": ""},
            "self-signed certificate in certificate chain",
            id="trusts-nobody",
        ),
        pytest.param(
            {"ASKED": "https://example.com/"},
            "Request failed with status code 403",
            id="another-host",
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://127.0.0.1:1"},
            "connect ECONNREFUSED 127.0.0.1:8702",
            id="no-proxy",
        ),
    ],
)
async def test_says_what_the_how_to_says_where_the_way_is_barred(
    proxied: Proxied, node: Path, changes: dict[str, str], message: str
) -> None:
    run = (str(node), "--input-type=module", "--eval", COMPLAINT)
    given = {"ASKED": URL, "trusts": "NODE_EXTRA_CA_CERTS", **changes}

    said = await told(proxied, *run, **given)

    assert said.replace("127.0.0.1:1", "127.0.0.1:8702") == message
    assert f"`{message}`" in HOW_TO.read_text()
    proxied.refused.clear()


def test_the_how_to_names_no_other_client() -> None:
    table = HOW_TO.read_text().partition("| Client |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| (.*?) \| ", table, re.MULTILINE)

    assert named == [
        "Node with axios, Rivet among them",
        "Node's own `fetch`, from Node 24 on",
        "Python with requests",
        "Python with urllib, or with aiohttp and `trust_env=True`",
        "curl",
    ]
