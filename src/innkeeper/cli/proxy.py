"""How is the proxy run? Beside an emulator, for programs with Zoom's hosts written into them."""

from pathlib import Path

import click

from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.clock import SystemClock
from innkeeper.emulator.proxy.authority import Authority
from innkeeper.emulator.proxy.server import Proxy
from innkeeper.net.serving import LOCAL, bind

_SAID = """\
The proxy is at {url}; it leads Zoom's hosts to {emulator_url} and refuses all others.
Start your program with the first of these, and with the one below that it reads:
  HTTPS_PROXY={url}
  NODE_EXTRA_CA_CERTS={file}   Node
  REQUESTS_CA_BUNDLE={file}    Python with requests
  CURL_CA_BUNDLE={file}        curl
  SSL_CERT_FILE={file}         Python, Go, Ruby and whatever else reads OpenSSL's"""


def run_proxy(*, emulator_url: str, port: int, ca_file: Path) -> None:
    """Run the proxy until it is stopped.

    Args:
        emulator_url: Where the emulator is, without a slash at its end.
        ca_file: Where to put the certificate that clients are to trust.

    Raises:
        CertificateRefused: If it cannot be put there.
        PortTaken: If the port is in use.
    """
    listener = bind(LOCAL, port)
    authority = Authority(SystemClock().now())
    authority.write(ca_file)
    file = ca_file.resolve()
    url = f"http://{LOCAL}:{listener.getsockname()[1]}"

    def refused(asked: str, why: str) -> None:
        click.echo(f"refused {asked}: {why}.", err=True)

    async def main() -> None:
        proxy = Proxy(emulator_url, authority.context(), refused=refused)
        async with proxy.serving(listener):
            said = _SAID.format(url=url, emulator_url=emulator_url, file=file)
            click.echo(said, err=True)
            await until_stopped()

    run_until_done(main())
