"""Is all well wherever a process dies, and whichever call fails?"""

import pytest

from tests.faults.edges import Plan
from tests.faults.scenes import SCENES, Handle, Install, Purge, Refresh, Scene
from tests.faults.sweep import crashes, failures, run

pytestmark = pytest.mark.slow

NAMES = [each.name for each in SCENES]


@pytest.mark.parametrize("scene", SCENES, ids=NAMES)
def test_nothing_is_lost_wherever_the_process_dies(scene: Scene) -> None:
    swept = crashes(scene)
    assert swept.violations == []
    assert len(swept.struck) > 10


@pytest.mark.parametrize(
    "scene", [Handle(), Refresh(), Install(), Purge()], ids=lambda scene: scene.name
)
def test_nothing_is_lost_whichever_call_fails(scene: Scene) -> None:
    swept = failures(scene)
    assert swept.violations == []
    assert len(swept.struck) > 20


@pytest.mark.parametrize(
    ("scene", "points"),
    [
        pytest.param(Handle(), ["store.accept:before#1"], id="F02"),
        pytest.param(Handle(), ["store.accept:after#1"], id="F04-F05"),
        pytest.param(Handle(), ["store.find_installation:before#1"], id="F06"),
        pytest.param(
            Handle(), ["store.end_effect:before#1", "transport.messages:after#1"], id="F07"
        ),
        pytest.param(Install(), ["transport.token:after#1"], id="F12"),
        pytest.param(Refresh(), ["transport.token:after#1", "store.save_grant:before#1"], id="F13"),
        pytest.param(Refresh(), ["transport.token:before#1", "transport.token:after#1"], id="F14"),
        pytest.param(Purge(), ["store.accept:before#1", "vault.bury:before#1"], id="F25"),
        pytest.param(
            Purge(), ["store.erase[grants]:before#1", "vault.destroy_key:after#1"], id="F26"
        ),
        pytest.param(Purge(), ["store.scrub:after#1", "store.end_purge:before#1"], id="F27"),
    ],
)
def test_a_scene_passes_the_points_that_the_catalogue_names(
    scene: Scene, points: list[str]
) -> None:
    plan = Plan()
    assert run(scene, plan) == ""
    assert set(points) <= set(plan.passed)
