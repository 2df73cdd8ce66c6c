"""Is all well if the process is killed, at an edge or between two statements of SQLite?"""

import pytest

from tests.faults.children import kill
from tests.faults.scenes import Handle, Install, Purge, Refresh, Scene

pytestmark = pytest.mark.slow

KILLS = 7
"""Of each scene, spread from its first point to its last."""


@pytest.mark.parametrize(
    "scene",
    [pytest.param(Handle(), id="F03-F08-handle"), Refresh(), Install(), Purge()],
    ids=lambda scene: scene.name,
)
def test_nothing_is_lost_when_the_process_is_killed(scene: Scene) -> None:
    whole = kill(scene, 0)
    assert (whole.struck, whole.wrong) == ("", "")
    killed = [kill(scene, 1 + whole.passed * each // KILLS) for each in range(KILLS)]
    assert [each.wrong for each in killed if each.wrong] == []
    assert all(each.struck for each in killed)
