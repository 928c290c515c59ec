"""What is deployed is what is tested: docker-compose.yml, the Dockerfile and .env.example agree with the code."""

import re
import stat
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from dexra.processes import BASE_DIR

COMPOSE = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = ("migrate", "web", "cable", "worker", "beat")
INTERPOLATED = re.compile(r"\$\{([A-Z0-9_]+)")
# Chosen by the image or by compose itself, never by a person.
GIVEN_BY_COMPOSE = {"POSTGRES_USER", "REDISCLI_AUTH"}
# Means something on a developer's machine only, or is refused in production.
NOT_IN_PRODUCTION = {"DEXRA_BIND", "DEXRA_DEBUG", "DEXRA_TEST_DATABASE", "DATABASE_OWNER_URL"}


def documented() -> tuple[set[str], set[str]]:
    """Return the names in .env.example: every process's, and those only compose reads."""
    everywhere, _, compose_only = (BASE_DIR / ".env.example").read_text().partition("# --- docker compose only")
    names = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", flags=re.MULTILINE)
    return set(names.findall(everywhere)), set(names.findall(compose_only))


def read_by_settings() -> set[str]:
    """Return every name that ``env.<kind>("NAME", ...)`` and its like read in the settings."""
    text = (BASE_DIR / "dexra/settings.py").read_text()
    return set(re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z][A-Z0-9_]+)\"", text))


class TestEnvExample:
    def test_names_every_setting(self):
        assert len(read_by_settings()) > 15
        assert read_by_settings() - documented()[0] == set()

    def test_names_nothing_that_nobody_reads(self):
        code = "".join(path.read_text() for path in (BASE_DIR / "dexra").rglob("*.py"))
        unread = {name for name in documented()[0] if not re.search(rf"\"{name}\"", code)}

        assert unread == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}  # boto3's

    def test_says_something_about_each(self):
        lines = (BASE_DIR / ".env.example").read_text().splitlines()
        silent = [
            line
            for before, line in pairwise(lines)
            if re.match(r"#[A-Z][A-Z0-9_]+=", line) and not re.match(r"#( |[A-Z][A-Z0-9_]+=)", before)
        ]

        assert silent == []

    def test_sets_nothing_by_itself(self):
        assert re.findall(r"^[^#\n]", (BASE_DIR / ".env.example").read_text(), flags=re.MULTILINE) == []


class TestCompose:
    def test_runs_the_whole_product(self):
        assert set(SERVICES) == {*OWN, "postgres", "redis"}

    @pytest.mark.parametrize("name", OWN)
    def test_runs_commands_that_exist(self, name):
        program, *arguments = SERVICES[name]["command"]

        if program == "python" and arguments[0] == "-m":
            assert find_spec(arguments[1]), arguments[1]
        elif program == "python":
            assert (BASE_DIR / arguments[0]).is_file()
        else:
            assert program == "celery"
            assert find_spec(f"{arguments[arguments.index('-A') + 1]}.celery")

    @pytest.mark.parametrize("name", SERVICES)
    def test_runs_nobody_as_root(self, name):
        assert SERVICES[name]["user"] in {"dexra", "postgres", "redis"}

    @pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
    def test_watches_every_process_and_starts_it_again(self, name):
        check = SERVICES[name]["healthcheck"]

        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)
        assert SERVICES[name]["restart"] == "unless-stopped"

    @pytest.mark.parametrize("name", [name for name in OWN if name != "migrate"])
    def test_probes_each_process_for_what_it_is(self, name):
        assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "dexra.probe", name]

    @pytest.mark.parametrize("name", [name for name in OWN if name != "migrate"])
    def test_starts_on_a_migrated_database(self, name):
        conditions = {other: found["condition"] for other, found in SERVICES[name]["depends_on"].items()}

        assert conditions == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }

    def test_keeps_what_redis_holds_and_never_evicts_it(self):
        command = SERVICES["redis"]["command"]
        options = dict(zip(command[1::2], command[2::2], strict=True))

        assert options["--appendonly"] == "yes"
        assert options["--maxmemory-policy"] == "noeviction"
        assert options["--requirepass"].startswith("${REDIS_PASSWORD:?")

    def test_keeps_its_data_in_volumes(self):
        mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

        assert set(COMPOSE["volumes"]) == {name for name in mounted if not name.startswith(".")}

    def test_opens_ports_on_the_loopback_only(self):
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

        assert len(ports) == 2
        assert all(port.startswith("127.0.0.1:") for port in ports)

    @pytest.mark.parametrize("name", [name for name in OWN if name != "migrate"])
    def test_only_the_migration_is_the_databases_owner(self, name):
        assert "OWNER" not in str(SERVICES[name]["environment"])
        assert "dexra_owner" in SERVICES["migrate"]["environment"]["DATABASE_OWNER_URL"]

    @pytest.mark.parametrize("name", OWN)
    def test_is_production(self, name):
        assert SERVICES[name]["environment"]["DEXRA_ENV"] == "production"

    def test_names_no_setting_that_is_not_documented(self):
        used = set(INTERPOLATED.findall((BASE_DIR / "docker-compose.yml").read_text()))
        given = {str(name) for service in SERVICES.values() for name in service.get("environment", {})}
        everywhere, compose_only = documented()

        assert (used | given) - everywhere - compose_only - GIVEN_BY_COMPOSE == set()

    def test_passes_every_setting_on(self):
        assert documented()[0] - set(SERVICES["web"]["environment"]) - NOT_IN_PRODUCTION == set()

    def test_requires_every_password(self):
        text = (BASE_DIR / "docker-compose.yml").read_text()
        secrets = {name for name in INTERPOLATED.findall(text) if name.endswith(("PASSWORD", "KEY"))}

        assert len(secrets) == 6
        assert all(f"${{{name}:?" in text and f"${{{name}}}" not in text for name in secrets)


class TestImage:
    TEXT = (BASE_DIR / "Dockerfile").read_text()

    def test_does_not_run_as_root(self):
        users = re.findall(r"^USER (\w+)$", self.TEXT, flags=re.MULTILINE)

        assert users == ["dexra"]
        assert self.TEXT.index("USER dexra") < self.TEXT.index("\nCMD")

    def test_installs_exactly_what_is_locked(self):
        assert "--require-hashes -r requirements.lock" in self.TEXT

    def test_leaves_secrets_and_data_out(self):
        left_out = (BASE_DIR / ".dockerignore").read_text().split()

        assert {".env", ".git", ".venv", "var"} <= set(left_out)


@pytest.mark.parametrize("script", [".ci/run", "deploy/postgres-roles.sh"])
def test_scripts_can_be_run(script):
    path = Path(BASE_DIR, script)

    assert path.stat().st_mode & stat.S_IXUSR
    assert path.read_text().startswith("#!")
