"""What servers that answer clients have in their environment, and what requests to HDFS carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_stack import environment
from local_stack.environment import ensure_stack_env, read_stack_env
from local_stack.server import bare_environment, make_home
from skytier import webhdfs
from skytier.errors import TerminalError
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.sql import Role, SqlSettings
from tests.accounts import open_to_others

pytestmark = pytest.mark.plain


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that was never started."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    for name in ("SKYTIER_SQL_PASSWORD", "SKYTIER_SQL_READER_PASSWORD", "SKYTIER_HDFS_SECRET"):
        monkeypatch.delenv(name, raising=False)


def test_a_bare_environment_has_no_secret_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "SKYTIER_MONGODB_PASSWORD", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "MY_LC_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PATH", "/bin")
    bare = bare_environment()
    assert "secret" not in bare.values()
    assert bare["PATH"] == "/bin"
    assert bare["SKYTIER_HOME"] == str(tmp_path)


def test_a_home_of_an_earlier_version_keeps_its_passwords_and_gets_those_it_lacks(tmp_path: Path) -> None:
    """Servers keep the passwords of their first start; each user, secret and token that has come since is made."""
    earlier = {
        "SKYTIER_PORT_OFFSET": "5300",
        "SKYTIER_MONGODB_PASSWORD": "of-mongodb",
        "SKYTIER_POSTGRES_PASSWORD": "of-postgres",
        "SKYTIER_REDIS_PASSWORD": "of-redis",
        "SKYTIER_AIRFLOW_PASSWORD": "of-airflow",
        "SKYTIER_AIRFLOW_FERNET_KEY": "a-key",
        "SKYTIER_AIRFLOW_JWT_SECRET": "a-secret",
    }
    file = tmp_path / "stack.env"
    file.write_text("# Made at the first start.\n" + "".join(f"{name}={value}\n" for name, value in earlier.items()))
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    make_home()
    ensure_stack_env()
    now = read_stack_env()
    assert now.items() >= earlier.items()
    assert now.keys() - earlier.keys() == environment.OF_ONE_HOST.keys() - earlier.keys()
    assert all(now.values())
    assert len(set(now.values())) == len(now)
    assert open_to_others([tmp_path, file]) == []


@pytest.mark.parametrize("role", Role)
def test_a_login_without_password_says_which_is_missing(role: Role) -> None:
    variable = {Role.OPERATOR: "SKYTIER_SQL_PASSWORD", Role.READER: "SKYTIER_SQL_READER_PASSWORD"}[role]
    with pytest.raises(TerminalError, match=f"{variable} is not set.*make up"):
        SqlSettings().login(role)


def test_each_role_has_its_own_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SQL_PASSWORD", "a")
    monkeypatch.setenv("SKYTIER_SQL_READER_PASSWORD", "b")
    assert SqlSettings().login(Role.OPERATOR) == ("skytier", "a")
    assert SqlSettings().login(Role.READER) == ("skytier_reader", "b")


def test_requests_to_hdfs_carry_the_secret_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhdfs.headers() == {}
    monkeypatch.setenv("SKYTIER_HDFS_SECRET", "a")
    assert webhdfs.headers() == {"X-Skytier-Secret": "a"}
    client = webhdfs.client(HdfsSettings())
    assert client._session.headers["X-Skytier-Secret"] == "a"
