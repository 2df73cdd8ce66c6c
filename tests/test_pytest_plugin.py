"""The fixtures are there without an import, on any runner, and a failure tells its story."""

import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

BOT = """
from innkeeper import App, Command, Installed

app = App("Night Porter")


@app.on_install
async def hello(ctx: Installed) -> str:
    return f"Hi {ctx.user.name}."


@app.command("towels")
async def towels(ctx: Command) -> str:
    return f"Towels for room {ctx.args[0]}."
"""

TEST = """
import asyncio
import pytest

{mark}
async def test_brings_towels(ana, ben):
    {sleep}
    await ana.adds_app()
    ana.chat.expect("Hi Ana Keller.")
    await ana.says("/bot towels 7")
    ana.chat.expect("room 7")
    ben.chat.expect_silence()
"""


@pytest.fixture
def porter(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(bot=BOT)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


@pytest.mark.parametrize(
    ("mark", "sleep"),
    [
        ("", "await asyncio.sleep(0)"),
        ("@pytest.mark.anyio", "await asyncio.sleep(0)"),
        ("@pytest.mark.asyncio", "await asyncio.sleep(0)"),
    ],
    ids=["none", "anyio", "pytest-asyncio"],
)
def test_a_test_runs_inside_zoom_on_every_runner(
    porter: pytest.Pytester, mark: str, sleep: str
) -> None:
    porter.makeconftest(
        "import pytest\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    )
    porter.makepyfile(test_bot=TEST.format(mark=mark, sleep=sleep))
    ended = porter.runpytest_subprocess("-W", "error", "-p", "no:randomly")
    ended.assert_outcomes(passed=1)


def test_a_runner_that_takes_every_test_is_left_to_it(porter: pytest.Pytester) -> None:
    porter.makepyfile(test_bot=TEST.format(mark="", sleep="await asyncio.sleep(0)"))
    ended = porter.runpytest_subprocess("-W", "error", "-o", "asyncio_mode=auto")
    ended.assert_outcomes(passed=1)


def test_a_failure_ends_with_all_that_was_said(porter: pytest.Pytester) -> None:
    porter.makepyfile(
        test_bot="""
        async def test_says_goodbye(ana):
            await ana.adds_app()
            await ana.says("/bot towels 7")
            assert "Goodbye" in ana.chat.last.text
        """
    )
    ended = porter.runpytest_subprocess()
    ended.assert_outcomes(failed=1)
    ended.stdout.fnmatch_lines(
        [
            "*Said and sent*",
            "My bot: Hi Ana Keller.",
            "Ana Keller: /bot towels 7",
            "My bot: Towels for room 7.",
            "-> bot_installed delivered",
            "-> bot_notification delivered",
        ]
    )


def test_a_mark_says_what_the_zoom_is_made_with(porter: pytest.Pytester) -> None:
    porter.makepyfile(
        test_bot="""
        import pytest

        @pytest.mark.zoom(management="admin")
        async def test_is_the_admins(zoom, ana):
            assert zoom.record.management == "admin"
            await ana.adds_app()
            assert len(zoom.deliveries) == 1
        """
    )
    porter.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("nowhere:app", "nowhere:app is no Innkeeper App"), ("bot:towels", "bot:towels is no Inn")],
)
def test_a_bot_that_is_none_is_told_in_a_line(
    porter: pytest.Pytester, setting: str, said: str
) -> None:
    porter.makepyfile(test_bot="async def test_anything(zoom): ...")
    ended = porter.runpytest_subprocess("-o", f"innkeeper_app={setting}")
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines([f"*{said}*innkeeper_app*"])


def test_a_bots_own_import_error_is_shown_as_it_is(porter: pytest.Pytester) -> None:
    porter.makepyfile(bot="import towels_that_are_not_there")
    porter.makepyfile(test_bot="async def test_anything(zoom): ...")
    ended = porter.runpytest_subprocess()
    ended.stdout.fnmatch_lines(["*No module named 'towels_that_are_not_there'*"])


def test_a_fixture_gives_another_bot(porter: pytest.Pytester) -> None:
    porter.makeconftest(
        """
        import pytest
        from innkeeper import App

        @pytest.fixture
        def innkeeper_app():
            return App("Doorman")
        """
    )
    porter.makepyfile(
        test_bot="async def test_is_another(zoom):\n    assert zoom.app.name == 'Doorman'\n"
    )
    porter.runpytest_subprocess().assert_outcomes(passed=1)


def test_who_does_not_ask_for_it_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_other="""
        import sys

        def test_nothing_of_ours_is_loaded():
            ours = {name for name in sys.modules if name.startswith("innkeeper")}
            assert ours == {"innkeeper", "innkeeper.pytest_plugin"}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_unittest_runs_it_as_well(porter: pytest.Pytester) -> None:
    file = porter.makepyfile(
        test_bot="""
        import unittest
        from bot import app
        from innkeeper.testing import Zoom

        class Porter(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.zoom = await self.enterAsyncContext(Zoom(app))
                self.ana = await self.zoom.user("Ana")

            async def test_brings_towels(self):
                await self.ana.adds_app()
                await self.ana.says("/bot towels 7")
                self.assertIn("room 7", self.ana.chat.last.text)
        """
    )
    ended = porter.run(sys.executable, "-W", "error", "-m", "unittest", file.stem)
    assert ended.ret == 0
