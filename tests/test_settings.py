import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from innkeeper.environment import fault_of_address, load_settings, read_settings
from innkeeper.errors import SettingsRefused
from innkeeper.secret import Secret
from innkeeper.settings import Settings, is_loopback
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.seal import KeyRing

GOOD = {
    "ZOOM_CLIENT_ID": "client-0001",
    "ZOOM_CLIENT_SECRET": "s3cr3t-of-the-app-0001",
    "ZOOM_BOT_JID": "v1robot@xmpp.zoom.us",
    "ZOOM_WEBHOOK_SECRET_TOKEN": "webhook-token-000001",
    "ZOOM_APP_MANAGEMENT": "user",
    "INNKEEPER_PUBLIC_URL": "https://bot.example.com/zoom/",
}
LOCAL = {
    "ZOOM_OAUTH_URL": "http://127.0.0.1:8700",
    "ZOOM_API_URL": "http://127.0.0.1:8700",
    "INNKEEPER_PUBLIC_URL": "http://127.0.0.1:8701",
}


def read(tmp_path: Path, **changes: str | None) -> Settings:
    environment = {**GOOD, **changes}
    written = {name: value for name, value in environment.items() if value is not None}
    return read_settings(written, tmp_path)


def faults(tmp_path: Path, **changes: str | None) -> dict[str, str]:
    with pytest.raises(SettingsRefused) as refused:
        read(tmp_path, **changes)
    return {fault.name: f"{fault.why}. {fault.fix}" for fault in refused.value.faults}


def test_reads_what_is_given_and_fills_in_the_rest(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.public_url == "https://bot.example.com/zoom"
    assert settings.redirect_uri == "https://bot.example.com/zoom/oauth/callback"
    assert (settings.oauth_url, settings.api_url) == ("https://zoom.us", "https://api.zoom.us")
    assert settings.secure
    assert not settings.development
    assert settings.user_oauth
    assert settings.database == tmp_path / "innkeeper.db"
    assert settings.vault == tmp_path / "innkeeper.vault.db"


def test_reports_every_fault_at_once_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings({}, tmp_path)
    names = {fault.name for fault in refused.value.faults}
    assert names >= set(GOOD)
    assert all(fault.fix for fault in refused.value.faults)
    assert refused.value.exit_code == 78


@pytest.mark.parametrize(
    "value", ["", "   ", "abc-long-enough-secret\n", "\ufeffabc", "'quoted-secret-1'"]
)
def test_refuses_what_an_editor_left_around_a_value(tmp_path: Path, value: str) -> None:
    found = faults(tmp_path, ZOOM_CLIENT_SECRET=value)
    assert "ZOOM_CLIENT_SECRET" in found
    assert not value.strip() or value.strip() not in str(found)


@pytest.mark.parametrize("value", ["changeme", "your_secret_here", "dev-secret", "short"])
def test_refuses_placeholders_and_short_secrets(tmp_path: Path, value: str) -> None:
    assert "ZOOM_WEBHOOK_SECRET_TOKEN" in faults(tmp_path, ZOOM_WEBHOOK_SECRET_TOKEN=value)


def test_refuses_the_emulators_secrets_at_zoom(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ZOOM_CLIENT_SECRET="emu_0123456789abcdef",
        ZOOM_WEBHOOK_SECRET_TOKEN="emu_0123456789abcdef",
    )
    assert set(found) == {"ZOOM_CLIENT_SECRET", "ZOOM_WEBHOOK_SECRET_TOKEN"}


def test_takes_the_emulators_secrets_on_this_machine(tmp_path: Path) -> None:
    settings = read(tmp_path, ZOOM_CLIENT_SECRET="emu_1", **LOCAL)
    assert settings.development
    assert not settings.secure


def test_refuses_an_emulator_behind_a_public_app(tmp_path: Path) -> None:
    assert "ZOOM_OAUTH_URL" in faults(tmp_path, ZOOM_OAUTH_URL="http://127.0.0.1:8700")


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.com",
        "ftp://bot.example.com",
        "bot.example.com",
        "https://",
        "https://a@bot.example.com",
        "https://bot.example.com/#x",
        "https://bot.example.com/?a=b",
        "https://*.example.com",
        "https://Bot.example.com",
        "https://bot.example.com/../x",
        "https://bot.example.com:0",
        "https://bot.example.com:99999",
        "https://bot.example.com /x",
        "https://bøt.example.com",
        "http://127.0.0.1@evil.test",
    ],
)
def test_refuses_an_unusable_public_address(tmp_path: Path, url: str) -> None:
    assert "INNKEEPER_PUBLIC_URL" in faults(tmp_path, INNKEEPER_PUBLIC_URL=url)
    assert fault_of_address(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1/x"])
def test_knows_this_machine(url: str) -> None:
    assert is_loopback(url)
    assert not fault_of_address(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1.evil.test", "https://zoom.us", "http://[::1"])
def test_knows_every_other_machine(url: str) -> None:
    assert not is_loopback(url)


def test_takes_several_secret_tokens_while_one_is_rotated(tmp_path: Path) -> None:
    settings = read(
        tmp_path, ZOOM_WEBHOOK_SECRET_TOKEN="new-token-0000000001, old-token-0000000001"
    )
    assert settings.secret_tokens == (
        Secret("new-token-0000000001"),
        Secret("old-token-0000000001"),
    )
    assert "ZOOM_WEBHOOK_SECRET_TOKEN" in faults(
        tmp_path, ZOOM_WEBHOOK_SECRET_TOKEN="new-token-0000000001,,"
    )


@pytest.mark.parametrize(
    "value", ["mysql://x", "sqlite://x", "sqlite:///nowhere/at/all.db", "sqlite:////"]
)
def test_refuses_a_database_it_does_not_know(tmp_path: Path, value: str) -> None:
    assert "INNKEEPER_DATABASE_URL" in faults(tmp_path, INNKEEPER_DATABASE_URL=value)


POSTGRES = "postgresql://innkeeper:p%40ss@db.example.com:5432/bots?sslmode=require"


def test_keeps_the_vault_beside_the_store_in_postgresql(tmp_path: Path) -> None:
    settings = read(tmp_path, INNKEEPER_DATABASE_URL=POSTGRES, INNKEEPER_KEYS=KeyRing.generate())
    store, vault = settings.database, settings.vault
    assert isinstance(store, PostgresAddress)
    assert isinstance(vault, PostgresAddress)
    assert (store.schema, vault.schema) == ("innkeeper", "innkeeper_vault")
    assert store.url.reveal() == vault.url.reveal() == POSTGRES
    assert Secret("p@ss") in settings.secrets
    assert "p%40ss" not in repr(settings)
    assert not (tmp_path / "innkeeper.key").exists()


def test_takes_other_schemas_of_postgresql(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        INNKEEPER_DATABASE_URL=f"{POSTGRES}&schema=porter",
        INNKEEPER_VAULT_URL="postgres://keys@/vaults?host=/run/postgresql&schema=porter",
        INNKEEPER_KEYS=KeyRing.generate(),
    )
    assert isinstance(settings.database, PostgresAddress)
    assert isinstance(settings.vault, PostgresAddress)
    assert settings.database.url.reveal() == POSTGRES
    assert settings.database.schema == settings.vault.schema == "porter"
    assert settings.vault.url.reveal() == "postgres://keys@/vaults?host=/run/postgresql"


def test_asks_for_keys_where_several_processes_share_them(tmp_path: Path) -> None:
    found = faults(tmp_path, INNKEEPER_DATABASE_URL=POSTGRES)
    assert "keys new" in found["INNKEEPER_KEYS"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://",
        "postgresql://host",
        "postgresql://host:port/db",
        "postgresql://host:0/db",
        "postgresql://[host/db",
        "postgresql://host/db?schema=",
        "postgresql://host/db?schema=Porter",
        "postgresql://host/db?schema=pg_porter",
        'postgresql://host/db?schema=a"b',
    ],
)
def test_refuses_an_address_that_is_none_of_postgresqls(tmp_path: Path, value: str) -> None:
    found = faults(tmp_path, INNKEEPER_DATABASE_URL=value, INNKEEPER_KEYS=KeyRing.generate())
    assert list(found) == ["INNKEEPER_DATABASE_URL"]


def test_refuses_a_vault_that_other_processes_do_not_share(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        INNKEEPER_DATABASE_URL=POSTGRES,
        INNKEEPER_VAULT_URL="sqlite:///vault.db",
        INNKEEPER_KEYS=KeyRing.generate(),
    )
    assert "do not share" in found["INNKEEPER_VAULT_URL"]


def test_refuses_a_vault_in_the_stores_own_schema(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        INNKEEPER_DATABASE_URL=POSTGRES,
        INNKEEPER_VAULT_URL=f"{POSTGRES}&schema=innkeeper",
        INNKEEPER_KEYS=KeyRing.generate(),
    )
    assert "the database itself" in found["INNKEEPER_VAULT_URL"]


def test_says_how_to_get_a_driver_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.environment.find_spec", lambda _name: None)
    found = faults(tmp_path, INNKEEPER_DATABASE_URL=POSTGRES, INNKEEPER_KEYS=KeyRing.generate())
    assert "innkeeper[postgres]" in found["INNKEEPER_DATABASE_URL"]


@pytest.mark.parametrize("value", ["yes", "ADMIN", ""])
def test_refuses_an_unknown_management(tmp_path: Path, value: str) -> None:
    assert "ZOOM_APP_MANAGEMENT" in faults(tmp_path, ZOOM_APP_MANAGEMENT=value)


def test_makes_a_key_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    first = read(tmp_path)
    path = tmp_path / "innkeeper.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert any("Keep a copy" in warning for warning in first.warnings)
    second = read(tmp_path)
    assert second.warnings == ()
    assert list(first.keys.ids) == list(second.keys.ids)


def test_refuses_a_key_file_that_others_can_read(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "innkeeper.key").chmod(0o644)
    assert "chmod 600" in faults(tmp_path)["innkeeper.key"]


def test_refuses_a_key_file_that_is_a_link(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "innkeeper.key").rename(tmp_path / "elsewhere")
    (tmp_path / "innkeeper.key").symlink_to(tmp_path / "elsewhere")
    assert "innkeeper.key" in faults(tmp_path)


def test_never_prints_a_key(tmp_path: Path) -> None:
    found = faults(tmp_path, INNKEEPER_KEYS="k1:bm90LWEta2V5LWF0LWFsbA")
    assert "INNKEEPER_KEYS" in found
    assert "bm90LWEta2V5" not in str(found)


def test_makes_no_key_file_when_something_else_is_wrong(tmp_path: Path) -> None:
    faults(tmp_path, ZOOM_CLIENT_ID=None)
    assert not (tmp_path / "innkeeper.key").exists()


def test_reads_a_dotenv_file_for_what_the_environment_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{name}={value}" for name, value in GOOD.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOOM_CLIENT_ID", "from-the-environment")
    assert load_settings(tmp_path).client_id == "from-the-environment"


def test_shows_no_secret_in_its_repr(tmp_path: Path) -> None:
    assert "s3cr3t" not in repr(read(tmp_path))
    assert "webhook-token" not in repr(read(tmp_path))


def test_reports_a_bad_key_beside_every_other_fault(tmp_path: Path) -> None:
    found = faults(tmp_path, ZOOM_BOT_JID="abc", INNKEEPER_KEYS="zzz")
    assert set(found) == {"ZOOM_BOT_JID", "INNKEEPER_KEYS"}


def test_makes_no_new_key_beside_a_database_that_an_old_one_sealed(tmp_path: Path) -> None:
    (tmp_path / "innkeeper.db").touch()
    assert "Put your copy" in faults(tmp_path)["innkeeper.key"]
    assert not (tmp_path / "innkeeper.key").exists()


def test_refuses_a_vault_in_the_database_itself(tmp_path: Path) -> None:
    assert "INNKEEPER_VAULT_URL" in faults(
        tmp_path,
        INNKEEPER_DATABASE_URL="sqlite:///one.db",
        INNKEEPER_VAULT_URL="sqlite:///one.db",
    )


# where the key ring comes from


def test_reads_the_ring_from_a_file_that_is_named(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_text(f"{ring}\n")
    settings = read(tmp_path, INNKEEPER_KEYS_FILE="secret")
    assert settings.keys.ids == (ring.partition(":")[0],)
    assert not (tmp_path / "innkeeper.key").exists()
    assert settings.key_source is not None
    assert not settings.key_source.changed()


def test_makes_no_file_where_one_is_named(tmp_path: Path) -> None:
    assert "No such file" in faults(tmp_path, INNKEEPER_KEYS_FILE="secret")["INNKEEPER_KEYS_FILE"]
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_ring_that_is_given_twice(tmp_path: Path) -> None:
    found = faults(tmp_path, INNKEEPER_KEYS=KeyRing.generate(), INNKEEPER_KEYS_FILE="secret")
    assert set(found) == {"INNKEEPER_KEYS_FILE"}


def test_hides_the_ring_from_the_log(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    assert Secret(ring.partition(":")[2]) in read(tmp_path, INNKEEPER_KEYS=ring).secrets


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "kms_of_the_tests.py").write_text(SERVICES)
    yield
    sys.modules.pop("kms_of_the_tests", None)


SERVICES = """\
class Service:
    asked = 0

    def wrap(self, key, /):
        self.asked += 1
        return bytes(byte ^ 255 for byte in key)

    unwrap = wrap


service, other = Service(), object()
"""


@pytest.mark.usefixtures("services")
def test_a_key_service_wraps_the_key_file_that_is_made(tmp_path: Path) -> None:
    named = {"INNKEEPER_KEY_SERVICE": "kms_of_the_tests:service"}
    first = read(tmp_path, **named)
    assert ":wrapped:" in (tmp_path / "innkeeper.key").read_text()
    assert read(tmp_path, **named).keys.ids == first.keys.ids
    assert "no INNKEEPER_KEY_SERVICE is set" in faults(tmp_path)["innkeeper.key"]


@pytest.mark.usefixtures("services")
def test_asks_no_key_service_while_something_else_is_wrong(tmp_path: Path) -> None:
    found = faults(tmp_path, INNKEEPER_KEY_SERVICE="kms_of_the_tests:service", ZOOM_BOT_JID="odd")
    assert set(found) == {"ZOOM_BOT_JID"}
    assert sys.modules["kms_of_the_tests"].service.asked == 0
    assert not (tmp_path / "innkeeper.key").exists()


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    "name",
    [
        "kms",
        "kms_of_the_tests",
        "kms_of_the_tests:none",
        "kms_of_the_tests:other",
        "kms_of_the_tests:Service",
        "nowhere:service",
        ":",
        "a..b:c",
    ],
)
def test_refuses_a_key_service_that_is_none(tmp_path: Path, name: str) -> None:
    assert "module:name" in faults(tmp_path, INNKEEPER_KEY_SERVICE=name)["INNKEEPER_KEY_SERVICE"]


# who comes in, and where they go


def test_reads_whom_the_app_is_for_and_where_it_leads_back_to(tmp_path: Path) -> None:
    assert (read(tmp_path).accounts, read(tmp_path).return_to) == (frozenset(), ())
    settings = read(
        tmp_path,
        INNKEEPER_ACCOUNTS="AbC-1_x, XyZ",
        INNKEEPER_RETURN_TO="https://shop.example/, http://localhost:3000",
    )
    assert settings.accounts == {"AbC-1_x", "XyZ"}
    assert settings.return_to == ("https://shop.example", "http://localhost:3000")


@pytest.mark.parametrize("value", ["", " ", "a,,b", "a,", "a b", "ä", "*", "x" * 129])
def test_an_allow_list_that_is_empty_by_mistake_lets_nobody_start(
    tmp_path: Path, value: str
) -> None:
    assert "INNKEEPER_ACCOUNTS" in faults(tmp_path, INNKEEPER_ACCOUNTS=value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "shop.example",
        "https://shop.example/x",
        "http://shop.example",
        "https://shop.example?x",
        "https://*.example",
        "https://SHOP.example",
        "https://u@shop.example",
        "https://shop.example,",
        "javascript:x",
        "https://",
    ],
)
def test_refuses_what_is_no_origin_to_lead_back_to(tmp_path: Path, value: str) -> None:
    assert "INNKEEPER_RETURN_TO" in faults(tmp_path, INNKEEPER_RETURN_TO=value)


def test_reads_how_much_is_logged(tmp_path: Path) -> None:
    assert read(tmp_path).log == "info"
    for amount in ("error", "warning", "info", "requests"):
        assert read(tmp_path, INNKEEPER_LOG=amount).log == amount
    found = faults(tmp_path, INNKEEPER_LOG="debug")["INNKEEPER_LOG"]
    assert found.startswith("is neither error nor warning nor info nor requests")


def test_reads_how_long_what_failed_is_kept(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.keep_days, settings.keep_at_most, settings.keep_handled) == (7, 10_000, False)
    chosen = read(
        tmp_path,
        INNKEEPER_KEEP_DAYS="30",
        INNKEEPER_KEEP_AT_MOST="1",
        INNKEEPER_KEEP_HANDLED="on",
    )
    assert (chosen.keep_days, chosen.keep_at_most, chosen.keep_handled) == (30, 1, True)


@pytest.mark.parametrize("name", ["INNKEEPER_KEEP_DAYS", "INNKEEPER_KEEP_AT_MOST"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "a week", "1000001", "٣", "9" * 40])
def test_refuses_what_is_no_count(tmp_path: Path, name: str, value: str) -> None:
    assert faults(tmp_path, **{name: value})[name].startswith("is no number from 1 to ")


def test_no_custom_header_is_demanded_unless_one_is_named(tmp_path: Path) -> None:
    assert not read(tmp_path).demands


def test_reads_what_webhooks_must_carry(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        INNKEEPER_WEBHOOK_BASIC="zoom:a-password:with-a-colon, zoom:the-password-before",
        INNKEEPER_WEBHOOK_BEARER="client-1:a-client-secret-0001",
        INNKEEPER_WEBHOOK_HEADER="X-Door: a value with blanks",
        INNKEEPER_WEBHOOK_HEADERS_ON="all",
    )
    demands = settings.demands
    assert [(each.name, each.secret.reveal()) for each in demands.basic] == [
        ("zoom", "a-password:with-a-colon"),
        ("zoom", "the-password-before"),
    ]
    assert [each.name for each in demands.bearer] == ["client-1"]
    assert [(each.name, each.secret.reveal()) for each in demands.header] == [
        ("x-door", "a value with blanks")
    ]
    assert demands.everywhere
    hidden = {each.reveal() for each in settings.secrets}
    assert {"the-password-before", "a-client-secret-0001", "a value with blanks"} <= hidden
    assert demands.basic[0].basic.reveal() in hidden
    assert "before" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("BASIC", "a-password-without-a-name", "without a name or without a secret"),
        ("BASIC", ":a-password-alone-here", "without a name or without a secret"),
        ("BASIC", "zoom:", "without a name or without a secret"),
        ("BASIC", "zoom:2shrt", "is shorter than 16"),
        ("BASIC", "zoom:changeme", "is a placeholder"),
        ("BASIC", "zoom:emu_0123456789abcdef", "is the emulator's"),
        ("BASIC", "zoom:ein-schlüssel-fürs-tor", "is not printable ASCII"),
        ("BEARER", "zoom:a-secret-with\ta-tab-in-it", "is not printable ASCII"),
        ("BEARER", "zoom:a-client-secret-0001,", "an empty entry"),
        ("HEADER", "", "an empty entry"),
        ("HEADER", "X Door: a-value-long-enough", "whose name is no header's"),
        ("HEADER", "x_door: a-value-long-enough", "whose name is no header's"),
        ("HEADER", "X-Zm-Signature: a-value-long-enough", "every request carries"),
        ("HEADER", "Host: a-value-long-enough", "every request carries"),
        ("HEADERS_ON", "all", "no header is required"),
        ("HEADERS_ON", "some", "neither subscriptions nor all"),
    ],
)
def test_refuses_what_no_webhook_could_carry(
    tmp_path: Path, name: str, value: str, why: str
) -> None:
    found = faults(tmp_path, **{f"INNKEEPER_WEBHOOK_{name}": value})
    assert list(found) == [f"INNKEEPER_WEBHOOK_{name}"]
    assert why in found[f"INNKEEPER_WEBHOOK_{name}"]
    secret = value.partition(":")[2].strip()
    assert not secret or secret not in str(found)
