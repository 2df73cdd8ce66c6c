import pytest

from innkeeper import errors
from innkeeper.errors import (
    ZOOM_CODES,
    ApiRefused,
    BodyRefused,
    CardRefused,
    CookieMissing,
    Fault,
    GrantRefused,
    InnkeeperError,
    InstallRefused,
    InstallUnavailable,
    NeedsReauth,
    SettingsRefused,
    SignatureRefused,
    StateUnknown,
    StoreUnavailable,
    TokenResponseInvalid,
)

ALL = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, InnkeeperError)
]


def test_says_what_why_what_to_do_and_the_code():
    error = StoreUnavailable("no room", "disk full")

    assert str(error) == (
        "no room: disk full. Check the disk's space and rights; "
        "Zoom delivers again in 5, 25 and 85 minutes. (store_unavailable)"
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InnkeeperError(), "InnkeeperError (error)"),
        (InnkeeperError("it broke"), "it broke (error)"),
        (InnkeeperError("it broke", "it was old"), "it broke: it was old (error)"),
    ],
)
def test_leaves_out_what_is_not_known(error, text):
    assert str(error) == text


def test_names_every_fault_of_the_settings():
    refusal = SettingsRefused([Fault("ZOOM_CLIENT_ID", "missing", "copy it"), Fault("B", "c", "d")])

    assert [fault.name for fault in refusal.faults] == ["ZOOM_CLIENT_ID", "B"]
    assert "ZOOM_CLIENT_ID; B" in str(refusal)
    assert refusal.exit_code == 78


def test_keeps_the_reason_for_the_log():
    assert SignatureRefused("TimestampMissing").reason == "TimestampMissing"
    assert BodyRefused("too_deep").reason == "too_deep"
    assert GrantRefused("a", "b", reason="invalid_client").reason == "invalid_client"
    assert NeedsReauth("a").reason == ""


@pytest.mark.parametrize(("pointer", "shown"), [("/body/0/text", "/body/0/text"), ("", "/")])
def test_names_the_place_in_a_card(pointer, shown):
    refusal = CardRefused(pointer, "is empty")

    assert refusal.pointer == pointer
    assert str(refusal).startswith(f"card refused at {shown}: is empty.")


def test_knows_what_to_do_about_zooms_numbers():
    known, unknown = ApiRefused(400, 7010, "wrong token"), ApiRefused(500, 0, "oops")

    assert "chatbot token" in known.fix
    assert (known.status, known.zoom_code, known.message) == (400, 7010, "wrong token")
    assert unknown.fix
    assert unknown.fix != known.fix


@pytest.mark.parametrize(
    ("kind", "status"),
    [(StateUnknown, 400), (CookieMissing, 400), (InstallUnavailable, 503)],
)
def test_an_installation_that_failed_has_its_status(kind, status):
    assert kind("no").status == status
    assert issubclass(kind, InstallRefused)


def test_a_token_that_is_not_to_be_had_is_one_family():
    assert issubclass(NeedsReauth, GrantRefused)
    assert issubclass(TokenResponseInvalid, GrantRefused)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_an_innkeepers_and_drawn_in_the_tree(kind):
    tree = errors.__doc__ or ""

    assert kind.__name__ in tree or issubclass(kind, InstallRefused)


@pytest.mark.parametrize("code", [*ZOOM_CODES, 404, 500])
def test_no_sentence_ends_twice(code: int) -> None:
    said = str(ApiRefused(code if code > 399 else 400, code, "Zoom ends its sentences."))
    assert ".." not in said
    assert " ." not in said
