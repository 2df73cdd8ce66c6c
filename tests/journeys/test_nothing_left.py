"""Is a person's data gone? Every byte is searched for what was planted while she was there."""

import tempfile
from pathlib import Path

import pytest

from innkeeper.cli.receipts import verify
from innkeeper.net.outbound import Request
from innkeeper.testing import BOT_URL, Zoom
from tests.journeys.canaries import (
    Canaries,
    everything_logged,
    files_of,
    keeper,
    live_a_life,
    mark,
    spellings,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def test_finds_a_mark_however_it_was_written_down() -> None:
    canaries = Canaries()
    value = canaries.plant("text", mark("x"))
    for spelled in spellings(value):
        assert canaries.found_in({"here": b"before " + spelled + b" after"}) == ["here: text"]
    assert canaries.found_in({"here": b"before and after"}) == []


@pytest.mark.sqlite  # it reads the files
async def test_nothing_is_left_anywhere_of_somebody_who_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row D29, and what a receipt promises: nothing in any file, log or page, in any spelling."""
    kept, elsewhere = tmp_path / "kept", tmp_path / "elsewhere"
    for folder in (kept, elsewhere):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    said: list[str] = []
    canaries = Canaries()
    async with Zoom(keeper(said), directory=kept) as zoom:
        with everything_logged():
            ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
            await ben.add_app()
            await live_a_life(zoom, ana, canaries)
            assert canaries.found_in(files_of(kept, elsewhere)) == []
            [hers] = [
                each
                for each in await zoom.parts.store.installations()
                if each.owner.user_id == ana.user.id
            ]
            assert len(canaries.planted) > 12
            await ana.removes_app()
            assert said == [ana.user.id]
            receipt = zoom.receipts.one()
            assert receipt.complete
            assert receipt.steps["state"] >= 4
            page = await zoom.transport.send(
                Request("GET", f"{BOT_URL}/receipts/{hers.receipt_id}")
            )
            files = files_of(kept, elsewhere)
            assert {Path(name).suffix for name in files} >= {".db", ".db-wal"}
            files["the receipt's page"] = page.body
        out, err = capfd.readouterr()
        assert "dispatch.handler_failed" in out + err
        assert "purge.done" in out + err
        assert canaries.found_in(files | {"out": out.encode(), "err": err.encode()}) == []
        await ben.says("keep me")
        assert "me" in ben.chat.last.text
    assert canaries.found_in(files_of(kept, elsewhere)) == []


async def test_a_receipt_is_checked_where_there_is_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Zoom(keeper([])) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (hers,) = await zoom.parts.store.installations()
        await ana.removes_app()
        asked = Request("GET", f"{BOT_URL}/receipts/{hers.receipt_id}?download=1")
        answer = await zoom.transport.send(asked)
        (key,) = await zoom.parts.vault.signing_keys()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "receipt.json"
    file.write_bytes(answer.body)
    assert verify(file, key.public.hex()) == 0
    assert f"valid: receipt {hers.receipt_id}, number 1\n" in capsys.readouterr().out
    assert list(files_of(tmp_path)) == [str(file)]
