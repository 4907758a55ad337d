from __future__ import annotations

import pytest

from hpo.spec.addresses import is_url, password_of, without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ada:secret@db/hpo", "postgresql://ada:***@db/hpo"),
        ("postgresql://ada:p/ss@db/hpo", "postgresql://ada:***@db/hpo"),
        ("postgresql://ada:s@cr@t@db:5432/hpo", "postgresql://ada:***@db:5432/hpo"),
        (
            "postgresql://db/hpo?user=ada&password=secret",
            "postgresql://db/hpo?user=ada&password=***",
        ),
        ("https://:token@host/x", "https://:***@host/x"),
        (
            "cannot open http://a:b@h or http://c:d@i",
            "cannot open http://a:***@h or http://c:***@i",
        ),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown


@pytest.mark.parametrize(
    "address", ["sqlite:///home/ada/optuna.db", "postgresql://ada@db/hpo", "http://host:5000/x"]
)
def test_an_address_without_one_stays_as_it_is(address: str) -> None:
    assert without_password(address) == address


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("sqlite:///optuna.db", True),
        ("mysql+pymysql://h/x\ny", True),
        ("optuna.db", False),
        ("/a://b", False),
    ],
)
def test_a_url_is_known_by_its_beginning(text: str, is_one: bool) -> None:
    assert is_url(text) == is_one


def test_the_password_itself_is_found() -> None:
    assert password_of("postgresql://ada:s@cr/t@db:5432/hpo") == "s@cr/t"
    assert password_of("postgresql://ada@db/hpo") is None
