"""What results say about endpoints: how much each takes at a time, when to leave it alone, how long it has failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.postgres.loops import Connection
from webhooks.models import Delivery
from webhooks.policy import FAILING_TOLD_EVERY, FAILURES_TO_REST, SUCCESSES_TO_WIDEN, Stage, Verdict, stage

# The rows are locked in one order by everybody who takes several. A success ends the rest of one that failed on and on,
# but no pause that was asked for: it may have been under way before that.
REPORT = """
WITH report(endpoint_id, due_in, hold, rest, successes, failures, has_success, is_slow, error) AS (
    SELECT * FROM unnest(%b::bigint[], %b::float8[], %b::float8[], %b::float8[], %b::int[], %b::int[], %b::boolean[],
                         %b::boolean[], %b::text[])
), locked AS (
    SELECT * FROM webhooks_health WHERE endpoint_id IN (SELECT endpoint_id FROM report) ORDER BY endpoint_id FOR UPDATE
), news AS (
    SELECT report.*, endpoint.max_in_flight AS widest, locked.successes_at_cap + successes AS breath,
           CASE WHEN has_success THEN 0 ELSE locked.consecutive_failures END + failures AS in_a_row,
           CASE WHEN has_success THEN NULL ELSE locked.failing_since END AS since,
           CASE WHEN has_success AND locked.consecutive_failures >= %b THEN NULL
                ELSE locked.hold_until END AS held_until
    FROM locked JOIN report ON report.endpoint_id = locked.endpoint_id
    JOIN webhooks_endpoint AS endpoint ON endpoint.id = locked.endpoint_id
)
UPDATE webhooks_health AS health SET
    next_due_at = least(next_due_at, statement_timestamp() + make_interval(secs => due_in)),
    hold_until = greatest(held_until, statement_timestamp() + make_interval(secs => hold),
        CASE WHEN in_a_row >= %b THEN statement_timestamp() + make_interval(secs => rest) END),
    in_flight_cap = CASE WHEN is_slow THEN greatest(1, in_flight_cap / 2)
                    ELSE least(widest, in_flight_cap + breath / %b) END,
    successes_at_cap = CASE WHEN is_slow OR in_flight_cap >= widest THEN 0 ELSE breath %% %b END,
    consecutive_failures = in_a_row,
    failing_since = CASE WHEN failures > 0 THEN coalesce(since, statement_timestamp()) ELSE since END,
    last_failure_at = CASE WHEN failures > 0 THEN statement_timestamp() ELSE last_failure_at END,
    last_success_at = CASE WHEN has_success THEN statement_timestamp() ELSE last_success_at END,
    last_error = CASE WHEN failures > 0 THEN error WHEN in_a_row = 0 THEN '' ELSE last_error END
FROM news WHERE health.endpoint_id = news.endpoint_id
RETURNING health.endpoint_id, health.consecutive_failures, health.told_stage,
    coalesce(extract(epoch FROM health.last_failure_at - health.failing_since), 0)::float8,
    health.in_flight_cap >= news.widest,
    coalesce(health.told_failing_at > statement_timestamp() - %b::interval, false)
"""
REPORTED = ("due_in", "hold", "rest", "successes", "failures", "has_success", "is_slow", "error")


@dataclass(frozen=True, slots=True)
class HealthNow:
    """How an endpoint fares after a settlement; ``lasting`` as in ``policy.stage``, in seconds."""

    endpoint_id: int
    consecutive_failures: int
    told_stage: int
    lasting: float
    is_wide: bool  # no less is sent at a time than was asked for
    was_told_lately: bool = False  # that it fails

    @property
    def asks_for_attention(self) -> bool:
        """Whether its people were told of another stage than this."""
        now = stage(consecutive_failures=self.consecutive_failures, lasting=timedelta(seconds=self.lasting))
        if self.told_stage == Stage.WELL and now < Stage.DISABLED and self.was_told_lately:
            return False  # it fails by turns
        return now != self.told_stage


@dataclass(slots=True)
class Report:
    """What several results, in their order, say about one endpoint."""

    due_in: float | None = None
    hold: float | None = None
    rest: float = 0.0
    successes: int = 0
    failures: int = 0  # since the last success
    has_success: bool = False
    is_slow: bool = False
    error: str = ""

    def expect(self, due_in: float | None) -> None:
        """Take in that a delivery is due again in so many seconds; None: never."""
        if due_in is not None:
            self.due_in = due_in if self.due_in is None else min(self.due_in, due_in)

    def add(self, verdict: Verdict, error: str) -> None:
        """Take in one more result."""
        if verdict.state == Delivery.State.DELIVERED:
            self.has_success, self.failures = True, 0
            self.successes += 1
        elif verdict.is_failure:
            self.failures += 1
            self.rest = max(self.rest, float(verdict.rest))
            self.error = error
        self.is_slow |= verdict.is_slow
        if verdict.hold:
            self.hold = max(self.hold or 0.0, float(verdict.hold))

    @property
    def is_good(self) -> bool:
        """Whether all is well, and nothing is to be done."""
        return self.has_success and not (self.failures or self.is_slow or self.hold) and self.due_in is None

    @property
    def is_nothing(self) -> bool:
        """Whether there is no news at all."""
        return self == Report()


async def report(connection: Connection, news: Mapping[int, Report]) -> list[HealthNow]:
    """Write down what is new about endpoints, by their ids; returns how each fares now. Raises psycopg.Error."""
    reports = list(news.values())
    columns: list[Any] = [
        list(news),
        *([getattr(report, name) for report in reports] for name in REPORTED),
        FAILURES_TO_REST,
        FAILURES_TO_REST,
        SUCCESSES_TO_WIDEN,
        SUCCESSES_TO_WIDEN,
        FAILING_TOLD_EVERY,
    ]
    cursor = await connection.execute(REPORT, columns, binary=True)
    return [HealthNow(*row) for row in await cursor.fetchall()]
