"""Names of notification channels: what they depend on, and what they do not say."""

from include.health.notices import channels

A, B, MAIL = "json://a.example/hooks/topsecret", "json://b.example/", "MAILTOS://desk:topsecret@mail.example/"


def names(*urls: str) -> dict[str, str]:
    return {url: name for name, url in channels(urls).items()}


def test_a_name_depends_on_its_own_url_alone() -> None:
    of_all = names(A, B, MAIL)
    assert len(set(of_all.values())) == 3
    assert names(MAIL, B, A) == of_all
    assert names(B) == {B: of_all[B]}


def test_a_name_says_the_scheme_and_no_secret() -> None:
    found = names(A, MAIL)
    assert found[A].startswith("json-")
    assert found[MAIL].startswith("mailtos-")
    assert "secret" not in "".join(found.values())
    assert "example" not in "".join(found.values())


def test_the_same_url_twice_is_one_channel() -> None:
    assert list(channels([B, B]).values()) == [B]


def test_what_is_no_url_is_named_without_any_part_of_it() -> None:
    for url in ("mailtos:desk:topsecret@mail.example", "desk:topsecret@mail.example/?next=json://x"):
        assert names(url)[url].startswith("unknown-")
