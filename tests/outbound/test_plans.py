"""However small its tables are when it begins, the engine reads what it needs by keys, and nothing else."""

import asyncio

import pytest
from django.db import connection, connections

from outbound.services import claims, settling
from outbound.services.desk import Desk
from tests.outbound.working import say

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
OF_CLAIMS = {
    "LOOK": {"faults": 10, "lines": 50},
    "CANDIDATES": {"inboxes": [1], "most": [10], "urgent": [2], "patience": 30.0},
    "TAKE": {"ids": [1], "token": "00000000-0000-0000-0000-000000000000", "lease": 90.0},
    "PUT_OFF": {"ids": [1], "waits": [1.0]},
    "NOTE": {"inboxes": [1], "waits": [0.0], "full": [False]},
}
OF_SETTLING = {
    "SETTLE": {"ids": [1], "tokens": ["00000000-0000-0000-0000-000000000000"], "states": ["sent"], "waits": [0.0],
               "counts": [True], "provider_ids": [""], "codes": [""], "details": [""], "resolves": [None]},
    "CLOSE": [[1], [1], ["sent"], [""], [""], [""], [200], ["{}"]],
    "RELEASE": [[1], ["00000000-0000-0000-0000-000000000000"], [1.0]],
}  # fmt: skip
STATEMENTS = [
    *[(getattr(claims, name), params) for name, params in OF_CLAIMS.items()],
    *[(getattr(settling, name), params) for name, params in OF_SETTLING.items()],
]


@pytest.fixture
def _nearly_empty(toys):
    say(toys, "ana")
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE outbound_dispatch, outbound_attempt, outbound_line")
    connections["owner"].close()


def planned(sql, params):
    """Return how a statement is planned for good, whatever its values are."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute("EXPLAIN " + sql, params)
        return "\n".join(line for (line,) in cursor.fetchall())


def at_a_desk(work, *arguments):
    async def done():
        desk = Desk("plans")
        try:
            return await desk.do(work, *arguments)
        finally:
            desk.close()

    return asyncio.run(done())


@pytest.mark.usefixtures("_nearly_empty")
@pytest.mark.parametrize(("sql", "params"), STATEMENTS, ids=[*OF_CLAIMS, *OF_SETTLING])
def test_each_statement_finds_its_rows_by_keys(sql, params):
    plan = at_a_desk(planned, sql, params)

    assert "Seq Scan on outbound" not in plan
    assert "Hash" not in plan
    assert "Merge Join" not in plan


@pytest.mark.usefixtures("_nearly_empty")
def test_others_would_read_whole_tables():
    assert any("Seq Scan on outbound" in planned(sql, params) for sql, params in STATEMENTS)
