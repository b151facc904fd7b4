"""The statements for those who set the roles up by hand."""

from include.settings import PROJECT_ROOT
from include.warehouse import roles


def test_who_makes_the_roles_by_hand_is_told_the_same_limits() -> None:
    text = (PROJECT_ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"ALTER ROLE analyst CONNECTION LIMIT {roles.MAX_READER_CONNECTIONS};" in text
    for name, value in roles._READER_DEFAULTS.items():
        assert f"ALTER ROLE analyst SET {name} = " + (value if value == "on" else f"'{value}'") in text
