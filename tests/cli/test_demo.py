"""`innkeeper demo` walks the whole lifecycle, and leaves nothing behind."""

import re
import signal
from pathlib import Path

import pytest

from tests.cli.commands import (
    free_ports,
    half_a_request,
    innkeeper,
    started,
    taken_port,
    watched_chat,
)

POOR = {
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TERM": "dumb",
    "COLUMNS": "20",
}


def options(zoom: int, bot: int) -> tuple[str, ...]:
    return "--port", str(zoom), "--bot-port", str(bot)


@pytest.mark.slow
def test_walks_once_and_again_at_once_even_where_there_is_no_locale(tmp_path: Path) -> None:
    ports = free_ports(2)
    for env in (POOR, {}):
        ended = innkeeper("demo", "--once", *options(*ports), cwd=tmp_path, env=env)
        steps = re.findall(r"^ ?(\d+)  (.+)$", ended.said, re.MULTILINE)
        assert ended.code == 0
        assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
        told = "\n".join(words for _, words in steps)
        walked = ("Add App Now", "welcome", "deep link", "command", "click", "Two hours", "Remove")
        assert [word for word in walked if word not in told] == []
        assert "the signature of the receipt is valid" in told
        assert "finds nothing" in steps[-1][1]
        assert "Try it yourself" not in ended.said
        assert ended.err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_stays_up_until_ctrl_c_even_while_a_chat_is_watched(tmp_path: Path) -> None:
    zoom, bot = free_ports(2)
    env = {"TMPDIR": str(tmp_path)}
    with started("demo", *options(zoom, bot), port=zoom, cwd=tmp_path, env=env) as demo:
        demo.wait_for_line(b"Both servers stay up until Ctrl-C.")
        with watched_chat(zoom), half_a_request(bot):
            ended = demo.end(signal.SIGINT)
    assert ended.code == 0
    assert ended.said == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_a_walk_that_is_cut_short_tidies_up(number: int, code: int, tmp_path: Path) -> None:
    zoom, bot = free_ports(2)
    env = {"TMPDIR": str(tmp_path)}
    with started("demo", "--once", *options(zoom, bot), port=zoom, cwd=tmp_path, env=env) as demo:
        demo.wait_for_line(b" 1  ")
        ended = demo.end(number)
    assert ended.code == code
    assert "receipt" not in ended.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_reader_who_leaves_ends_it_without_a_word(tmp_path: Path) -> None:
    zoom, bot = free_ports(2)
    env = {"TMPDIR": str(tmp_path)}
    with started("demo", "--once", *options(zoom, bot), port=zoom, cwd=tmp_path, env=env) as demo:
        code, err = demo.read_one_line_and_leave()
    assert code == 1
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_busy_port_is_told_in_a_line(tmp_path: Path) -> None:
    [free] = free_ports(1)
    with taken_port() as taken:
        ended = innkeeper("demo", *options(free, taken), cwd=tmp_path)
    assert ended.code == 71
    assert f"port {taken} on 127.0.0.1 cannot be used" in ended.line


def test_both_servers_cannot_share_a_port(tmp_path: Path) -> None:
    [port] = free_ports(1)
    ended = innkeeper("demo", *options(port, port), cwd=tmp_path)
    assert ended.code == 78
    assert ended.line == f"innkeeper: two servers cannot share port {port}; give each its own."
