import re

import pytest

from innkeeper.ids import channel_jid, new_id, random_token, user_jid


def test_tokens_are_url_safe_and_differ():
    tokens = {random_token() for _ in range(200)}

    assert len(tokens) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@pytest.mark.parametrize(("bits", "length"), [(128, 22), (160, 27), (256, 43)])
def test_tokens_have_the_bits_asked_for(bits, length):
    assert len(random_token(bits)) == length


def test_ids_say_their_kind_and_nothing_else():
    ids = {new_id("ins") for _ in range(200)}

    assert len(ids) == 200
    assert all(re.fullmatch(r"ins_[0-9a-f]{24}", one) for one in ids)


def test_a_users_address_is_the_id_in_lower_case():
    assert user_jid("KdYK-9_Q") == "kdyk-9_q@xmpp.zoom.us"


def test_a_channels_address_keeps_its_case():
    assert channel_jid("7Ab3") == "7Ab3@conference.xmpp.zoom.us"
