"""The embedded servers, started as a person starts them."""

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from dexra.embedded.account import servers_user
from dexra.embedded.postgres import OWNER_ROLE, SUPERUSER, Postgres
from dexra.home import Home
from dexra.processes import BASE_DIR, RunAs, as_user
from tests.dexra.launching import LAUNCH, environment, execute, launched, running, wait_for
from tests.dexra.places import Places

ASK = """
import json, os, psycopg, redis
database = psycopg.connect(os.environ["DATABASE_URL"])
print(json.dumps({
    "role": database.execute("SELECT current_user").fetchone()[0],
    "fsync": database.execute("SHOW fsync").fetchone()[0],
    "redis": redis.Redis.from_url(os.environ["REDIS_URL"]).ping(),
    "secret": os.environ["DEXRA_SECRET_KEY"],
}))
"""
RECALL = """
import os, psycopg, redis
print(psycopg.connect(os.environ["DATABASE_OWNER_URL"]).execute("SELECT answer FROM kept").fetchone())
print(redis.Redis.from_url(os.environ["REDIS_URL"]).get("kept"))
"""
WAIT = ("exec", "--", sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")


@pytest.fixture
def data(place: Path) -> Path:
    return place / "data"


def nobody() -> RunAs:
    user = pwd.getpwnam("nobody")
    return RunAs(user.pw_uid, user.pw_gid, user.pw_name)


def database(home: Home) -> Postgres:
    return Postgres(home.root / "postgres", home.sockets, home.log("postgres"), servers_user(home.root / "postgres"))


@pytest.mark.slow
class TestExec:
    def test_gives_a_command_both_servers_and_the_same_secrets_every_time(self, data):
        first, second = (json.loads(execute(data, sys.executable, "-c", ASK).stdout) for _ in range(2))

        assert first["role"] == "dexra_app"
        assert first["redis"] is True
        assert len(first["secret"]) >= 48
        assert second == first

    def test_returns_the_commands_exit_code(self, data):
        assert execute(data, "sh", "-c", "exit 7").returncode == 7
        assert execute(data, "sh", "-c", "kill -9 $$").returncode == 128 + 9

    def test_lets_webhooks_reach_this_machine_unless_told_otherwise(self, data):
        ask = ("printenv", "DEXRA_ALLOWED_PRIVATE_NETWORKS")

        assert execute(data, *ask).stdout == "127.0.0.0/8\n"
        assert execute(data, *ask, DEXRA_ALLOWED_PRIVATE_NETWORKS="10.0.0.0/8").stdout == "10.0.0.0/8\n"

    def test_leaves_nothing_running(self, data):
        execute(data, "true")

        assert running(data) == []

    def test_says_so_when_there_is_no_such_command(self, data):
        done = execute(data, "no-such-command-anywhere")

        assert done.returncode == 1
        assert "no-such-command-anywhere" in done.stderr
        assert "Traceback" not in done.stderr

    def test_works_below_a_directory_with_spaces_that_nobody_else_may_enter(self, place):
        private = place / "my private things"
        private.mkdir(mode=0o700)

        done = execute(private / "the data", sys.executable, "-c", ASK)

        assert done.returncode == 0, done.stderr
        assert (f"chmod o+x {private}" in done.stderr) == (os.geteuid() == 0)

    def test_works_where_a_sockets_path_would_be_too_long(self, place):
        done = execute(place / ("long" * 30), sys.executable, "-c", ASK, TMPDIR=str(place))

        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def server(places: Places) -> Iterator[Postgres]:
    data = places() / "data"
    with launched(data, WAIT, says="up"):
        yield database(Home.at(data))


@pytest.mark.slow
@pytest.mark.xdist_group("roles")  # one server for all
class TestRoles:
    @pytest.mark.parametrize("role", ["dexra_app", "dexra_owner"])
    def test_nobody_passes_row_level_security(self, server, role):
        with psycopg.connect(server.url(SUPERUSER, "postgres")) as connection:
            rights = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s"

            assert connection.execute(rights, [role]).fetchone() == (False, False)

    def test_the_application_cannot_change_tables(self, server):
        with (
            psycopg.connect(server.url("dexra_app")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("CREATE TABLE mine (id int)")

    def test_the_owner_makes_databases_that_have_vectors(self, server):
        with psycopg.connect(server.url(OWNER_ROLE), autocommit=True) as connection:
            connection.execute("CREATE DATABASE made_by_a_test")
        with psycopg.connect(server.url(OWNER_ROLE, "made_by_a_test")) as connection:
            assert connection.execute("SELECT '[3,4]'::vector <-> '[0,0]'").fetchone() == (5.0,)

    def test_nothing_listens_on_the_network(self, server):
        noted = json.loads(Home.at(server.data.parent).pid_file("postgres").read_text())

        assert psutil.Process(noted["pid"]).net_connections(kind="inet") == []
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700

    @as_root
    def test_servers_started_by_root_are_not_root(self, server):
        for name in ("postgres", "redis"):
            noted = json.loads(Home.at(server.data.parent).pid_file(name).read_text())
            assert psutil.Process(noted["pid"]).uids().effective == nobody().uid


@pytest.mark.slow
class TestCrashes:
    def test_killing_the_launcher_leaves_nothing_running_and_loses_nothing(self, data):
        with launched(data, WAIT, says="up") as launcher:
            home = Home.at(data)
            with psycopg.connect(database(home).url(OWNER_ROLE)) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            redis.Redis.from_url(f"unix://{home.sockets}/redis.sock").set("kept", "42")
            launcher.kill()
            launcher.wait()
        wait_for(lambda: running(data) == [], seconds=60)

        done = execute(data, sys.executable, "-c", RECALL)

        assert done.stdout == "(42,)\nb'42'\n", done.stderr

    def test_recovers_when_the_servers_too_were_killed(self, data):
        with launched(data, WAIT, says="up") as launcher:
            launcher.send_signal(signal.SIGSTOP)  # it must not bring them back
            for name in ("postgres", "redis"):
                os.kill(json.loads(Home.at(data).pid_file(name).read_text())["pid"], signal.SIGKILL)
            launcher.kill()
            launcher.wait()
        wait_for(lambda: running(data) == [], seconds=60)
        assert (data / "postgres" / "postmaster.pid").exists()

        done = execute(data, sys.executable, "-c", ASK)

        assert done.returncode == 0, done.stderr

    def test_a_reboots_note_that_names_a_stranger_is_no_obstacle(self, data):
        execute(data, "true")
        note = data / "postgres" / "postmaster.pid"
        note.write_text(f"{os.getpid()}\n{data}/postgres\n1\n5432\n{data}/run\n\n")

        assert execute(data, "true").returncode == 0

    def test_a_first_start_cut_short_is_begun_again(self, data):
        (data / "postgres.new").mkdir(parents=True)
        (data / "postgres.new" / "PG_VERSION").write_text("18\n")

        assert execute(data, "true").returncode == 0
        assert not (data / "postgres.new").exists()

    def test_data_of_another_version_is_refused_in_words(self, data):
        (data / "postgres").mkdir(parents=True)
        (data / "postgres" / "PG_VERSION").write_text("16\n")

        done = execute(data, "true")

        assert done.returncode == 1
        assert "holds 16 PostgreSQL data and this is 18" in done.stderr

    def test_a_second_launcher_on_the_same_data_is_refused_in_words(self, data):
        with launched(data, WAIT, says="up") as launcher:
            done = execute(data, "true")

            assert done.returncode == 1
            assert f"is in use by process {launcher.pid}" in done.stderr


@pytest.mark.slow
@as_root
def test_an_ordinary_user_starts_them_too(place):
    data = place / "data"
    place.parent.chmod(0o711)
    os.chown(place, nobody().uid, nobody().gid)
    try:
        done = subprocess.run(
            [*LAUNCH, "exec", "--no-fsync", "--", sys.executable, "-c", ASK],
            env=environment(data), cwd=BASE_DIR, capture_output=True, text=True, timeout=240, check=False,
            **as_user(nobody()),
        )  # fmt: skip
    except PermissionError:
        pytest.skip("this interpreter is out of an ordinary user's reach")

    assert done.returncode == 0, done.stderr
    assert "chmod" not in done.stderr
