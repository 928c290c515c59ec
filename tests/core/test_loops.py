"""Connections of event loops see what an engine has to see, and do not wait for ever."""

import asyncio
import time

import psycopg
import pytest

from core import tenancy
from core.postgres.base import NoAnswer
from core.postgres.loops import Line

pytestmark = pytest.mark.django_db(transaction=True)


def with_line(work, **options):
    async def run():
        line = Line(**options)
        try:
            return await work(line)
        finally:
            await line.close()

    return asyncio.run(run())


def ask(sql, **options):
    async def work(line):
        return (await (await (await line.open()).execute(sql)).fetchone())[0]

    return with_line(work, **options)


def test_take_on_the_role_that_obeys_the_wall():
    assert ask("SELECT current_user") == "dexra_app"


def test_see_every_tenant(key, stranger_key):
    tenancy.release()

    assert ask("SELECT count(DISTINCT environment_id) FROM accounts_apikey") == 2


def test_wait_for_the_disk_unless_told_otherwise():
    assert ask("SHOW synchronous_commit", durable=False) == "off"
    assert ask("SHOW synchronous_commit") == "on"


def test_undo_what_failed_and_go_on():
    async def fail(line):
        async with line.transaction() as held:
            await held.execute("CREATE TEMP TABLE nothing (id int)")
            raise ZeroDivisionError

    async def work(line):
        with pytest.raises(ZeroDivisionError):
            await fail(line)
        async with line.transaction() as held:
            return (await (await held.execute("SELECT to_regclass('nothing')")).fetchone())[0]

    assert with_line(work) is None


def test_are_made_anew_after_they_were_cut():
    async def work(line):
        first, other = await line.open(), Line()
        await (await other.open()).execute("SELECT pg_terminate_backend(%s)", [first.info.backend_pid])
        await other.close()
        with pytest.raises(psycopg.OperationalError):
            await first.execute("SELECT 1")
        return (await (await (await line.open()).execute("SELECT 1")).fetchone())[0]

    assert with_line(work) == 1


def test_do_not_wait_for_a_server_that_says_nothing():
    async def work(line):
        held = await line.open()
        held.answer_seconds = 0.2
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            await held.execute("SELECT pg_sleep(60)")
        return time.monotonic() - started, (await line.open()) is held

    took, is_the_same = with_line(work)
    assert took < 30
    assert not is_the_same
