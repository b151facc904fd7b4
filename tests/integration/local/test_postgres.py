"""The embedded server: made, used, killed, started again, stopped."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from include.errors import TerminalError
from include.local.files import private_folder
from include.local.postgres import EmbeddedPostgres, binaries, embedded_postgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with embedded_postgres(tmp_path / "postgres", durable=False) as running:
        yield running


def test_it_keeps_its_rows_port_and_passwords_over_a_restart(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        first = server.url("warehouse", "pipeline")
        with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
            cursor.execute("create table kept as select 42 as answer")
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        assert server.url("warehouse", "pipeline") == first
        with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
            cursor.execute("select answer from kept")
            assert cursor.fetchall() == [(42,)]


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        postmaster = server.postmaster()
        assert postmaster is not None
        family = [postmaster, *postmaster.children(recursive=True)]
        assert len(family) > 1
    assert not [process for process in family if process.is_running()]


@pytest.mark.timeout(30)
def test_a_server_that_hangs_before_its_pid_file_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.local.postgres._STOP_SECONDS", 0.3)
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    hung = subprocess.Popen(["sh", "-c", "trap '' INT; echo up; sleep 60"], stdout=subprocess.PIPE)
    assert hung.stdout is not None
    with hung.stdout as output:
        assert output.readline() == b"up\n"
    server.process = hung
    server.stop()
    assert hung.poll() is not None


def test_a_killed_server_starts_again_with_what_was_committed(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=True) as server:
        _kill_and_start_again(server)


def _kill_and_start_again(server: EmbeddedPostgres) -> None:
    with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select 42 as answer")
    postmaster = server.postmaster()
    assert postmaster is not None
    children = postmaster.children(recursive=True)
    postmaster.kill()
    assert server.process is not None
    server.process.wait()
    assert server.postmaster() is None
    psutil.wait_procs(children, timeout=10)
    server.launch()
    server.wait()
    with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
        cursor.execute("select answer from kept")
        assert cursor.fetchall() == [(42,)]


def test_a_second_server_in_the_same_folder_is_refused(server: EmbeddedPostgres) -> None:
    with pytest.raises(TerminalError, match="already runs in"):
        EmbeddedPostgres(server.directory, durable=False).start()


def test_a_pid_file_whose_number_went_to_another_process_does_not_stop_it(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        pass
    stale = server.directory / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{server.directory / 'data'}\n")
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        assert server.postmaster() is not None


def test_an_interrupted_initdb_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        assert server.postmaster() is not None


def test_a_cluster_of_another_major_version_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(TerminalError, match="of PostgreSQL 17, not 18"):
        EmbeddedPostgres(tmp_path / "postgres").start()
    assert (data / "PG_VERSION").exists()


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(f"postgresql://pipeline:guess@127.0.0.1:{server.port}/warehouse")


def test_the_analyst_can_look_but_not_write(server: EmbeddedPostgres) -> None:
    with (
        server.connect("warehouse", "analyst") as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.ReadOnlySqlTransaction),
    ):
        cursor.execute("create table mine (a int)")
    server.create_database("private", "pipeline")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        psycopg2.connect(server.url("private", "analyst"))


def test_a_database_can_be_copied_and_dropped(server: EmbeddedPostgres) -> None:
    with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select 42 as answer")
    server.create_database("copy", "pipeline", template="warehouse")
    with server.connect("copy", "pipeline") as connection, connection.cursor() as cursor:
        cursor.execute("select answer from kept")
        assert cursor.fetchall() == [(42,)]
        server.drop_database("copy")
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(server.url("copy", "pipeline"))


def test_a_server_that_cannot_start_names_its_log(server: EmbeddedPostgres, tmp_path: Path) -> None:
    other = EmbeddedPostgres(tmp_path / "other", durable=False)
    other.start()
    assert other.process is not None
    other.process.send_signal(signal.SIGINT)
    other.process.wait()
    other.port = server.port
    other.launch()
    assert other.process is not None
    other.process.wait(30)
    with pytest.raises(TerminalError, match=r"see .*postgres\.log"):
        other.wait()


def test_others_cannot_look_into_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    folder.chmod(0o755)  # as an earlier release made it
    with embedded_postgres(folder, durable=False) as server:
        # the server's account passes through if it is another one; nobody lists what is there
        assert folder.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
        files = [file for file in folder.iterdir() if file.is_file() and file != server.log]
        assert {file.name: file.stat().st_mode & 0o777 for file in files} == {
            "passwords.json": 0o600,
            "port": 0o600,
        }
        assert (folder / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it under another account")
def test_root_gives_the_server_no_capability_where_a_search_bit_does() -> None:
    # pytest's own folder is closed to others, as a home of root is
    with tempfile.TemporaryDirectory() as name:
        state = private_folder(Path(name) / "state", is_searched=True)
        Path(name).chmod(0o711)
        with embedded_postgres(state / "postgres", durable=False) as server:
            postmaster = server.postmaster()
            assert postmaster is not None
            assert postmaster.uids().effective != 0
            status = Path(f"/proc/{postmaster.pid}/status").read_text()
            (effective,) = re.findall(r"^CapEff:\s+([0-9a-f]+)$", status, re.MULTILINE)
            # the environment itself may lie below a folder that only root may enter
            is_reachable = (
                subprocess.run(
                    [
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "test",
                        "-x",
                        binaries() / "postgres",
                    ],
                    check=False,
                ).returncode
                == 0
            )
            assert int(effective, 16) == 0 or not is_reachable
