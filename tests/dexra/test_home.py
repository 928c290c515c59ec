"""The data directory keeps what it was given, for one launcher at a time."""

import os
import stat
from pathlib import Path

import pytest

from dexra.embedded.account import NoAccess, open_path, private_directory
from dexra.home import LONGEST_SOCKET_DIRECTORY, Home, Occupied, write_private
from dexra.processes import RunAs


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "data")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_launcher_at_a_time(home):
    with home.locked(), pytest.raises(Occupied, match=f"in use by process {os.getpid()}"), home.locked():
        pass

    with home.locked():
        pass


def test_secrets_are_made_once_and_readable_by_their_owner_only(home):
    first = home.secrets()

    assert home.secrets() == first
    assert len(set(first.values())) == len(first) == 2
    assert mode(home.root / "secrets.env") == 0o600


def test_a_secret_that_is_missing_is_added_and_the_other_kept(home):
    write_private(home.root / "secrets.env", "DEXRA_SECRET_KEY=mine\n")

    assert home.secrets()["DEXRA_SECRET_KEY"] == "mine"
    assert len(home.secrets()["DEXRA_ENCRYPTION_KEY"]) >= 48


def test_a_private_file_is_replaced_whole(home):
    write_private(home.demo, "old")
    home.demo.with_name("demo.json.new").write_text("left by a crash, and open to all")

    write_private(home.demo, "new")

    assert home.demo.read_text() == "new"
    assert mode(home.demo) == 0o600
    assert not home.demo.with_name("demo.json.new").exists()


@pytest.mark.parametrize("name", ["x" * 100, "a,b", 'a"b', "a%b"])
def test_sockets_go_elsewhere_when_the_path_would_not_do(tmp_path, name):
    sockets = Home.at(tmp_path / name).sockets

    assert len(str(sockets)) <= LONGEST_SOCKET_DIRECTORY
    assert name not in str(sockets)


def test_two_homes_never_share_a_socket_directory(tmp_path):
    assert Home.at(tmp_path / ("x" * 100)).sockets != Home.at(tmp_path / ("y" * 100)).sockets


class TestAccount:
    STRANGER = RunAs(uid=54321, gid=54321, name="stranger")

    @pytest.fixture
    def private(self, tmp_path):
        inner = tmp_path / "private" / "inner"
        inner.mkdir(parents=True)
        (tmp_path / "private").chmod(0o700)
        return inner

    def test_opens_only_what_is_closed_and_says_so(self, private, capsys):
        open_path(private / "data", self.STRANGER)
        said = capsys.readouterr().err
        open_path(private / "data", self.STRANGER)

        assert f"chmod o+x {private.parent} " in said
        assert mode(private.parent) == 0o701
        assert mode(private) == 0o755
        assert capsys.readouterr().err == ""

    def test_opens_nothing_for_ourselves(self, private, capsys):
        open_path(private / "data", None)

        assert mode(private.parent) == 0o700
        assert capsys.readouterr().err == ""

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_refuses_a_directory_of_somebody_else(self, tmp_path):
        theirs = tmp_path / "run"
        theirs.mkdir()
        os.chown(theirs, 54322, 54322)

        with pytest.raises(NoAccess, match="belongs to somebody else"):
            private_directory(theirs, self.STRANGER)

    def test_refuses_a_link_in_place_of_a_directory(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "run").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(NoAccess):
            private_directory(tmp_path / "run", None)
