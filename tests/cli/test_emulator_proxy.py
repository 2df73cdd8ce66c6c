"""Two environment variables lead an unchanged program to the emulator."""

import json
import ssl
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import free_ports, innkeeper, started, taken_port


@pytest.mark.slow
def test_leads_a_program_to_the_emulator_and_nowhere_else(tmp_path: Path) -> None:
    port, proxy_port = free_ports(2)
    proxy_argv = ("emulator", "proxy", "--port", str(proxy_port))
    proxy_argv += ("--emulator", f"http://127.0.0.1:{port}/", "--ca-file", "ca.pem")
    with (
        started("emulator", "start", "--port", str(port), port=port, cwd=tmp_path) as emulator,
        started(*proxy_argv, port=proxy_port, cwd=tmp_path) as proxy,
    ):
        emulator.wait_until_it_answers()
        screen = proxy.first_screen(b"SSL_CERT_FILE")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": proxy.url}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=tmp_path / "ca.pem")
            ),
        )
        with opener.open("https://api.zoom.us/_emulator/health", timeout=10) as answer:
            assert json.load(answer)
        with pytest.raises(OSError, match="403 Forbidden"):
            opener.open("https://example.com/", timeout=10)
        ended = proxy.end()
    assert f"HTTPS_PROXY={proxy.url}\n" in screen
    assert f"NODE_EXTRA_CA_CERTS={tmp_path / 'ca.pem'} " in screen
    assert "refused example.com:443: only Zoom's hosts" in ended.said
    assert ended.code == 0


@pytest.mark.slow
def test_a_file_with_something_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "innkeeper-ca.pem").write_text("my notes")
    [port] = free_ports(1)
    ended = innkeeper("emulator", "proxy", "--port", str(port), cwd=tmp_path)
    assert ended.code == 1
    assert "innkeeper-ca.pem stays as it is: it holds something else" in ended.line
    assert (tmp_path / "innkeeper-ca.pem").read_text() == "my notes"


@pytest.mark.slow
def test_a_busy_port_is_told_in_a_line(tmp_path: Path) -> None:
    with taken_port() as port:
        ended = innkeeper("emulator", "proxy", "--port", str(port), cwd=tmp_path)
    assert ended.code == 71
    assert not (tmp_path / "innkeeper-ca.pem").exists()


@pytest.mark.slow
@pytest.mark.parametrize("url", ["nonsense", "https://127.0.0.1:8700", "http://", "ftp://a"])
def test_an_address_that_is_none_of_an_emulators_is_told(url: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    argv = ("emulator", "proxy", "--port", str(port), "--emulator", url)
    ended = innkeeper(*argv, cwd=tmp_path)
    assert ended.code == 78
    assert "--emulator" in ended.line
