"""E-mail to an account's owners and admins about endpoints that fail, are well again, or were switched off."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Membership
from webhooks.models import Endpoint, Health
from webhooks.policy import Stage

# One that fails and is well by turns is not written about each time.
QUIET = timedelta(minutes=10)
SUBJECTS = {
    Stage.WELL: "Your webhook endpoint is well again",
    Stage.FAILING: "Your webhook endpoint is failing",
    Stage.LASTING: "Your webhook endpoint has been failing for three days",
    Stage.DISABLED: "Your webhook endpoint was disabled",
}
SENTENCES = {
    Stage.WELL: "Deliveries arrive again. What failed in the meantime is attempted again on its schedule.",
    Stage.FAILING: (
        "The last attempts to deliver to it failed. Each delivery is attempted again for about three days; an endpoint "
        "at which nothing arrives for five days is disabled."
    ),
    Stage.LASTING: "Nothing has arrived there for three days. After five days without a success it will be disabled.",
    Stage.DISABLED: (
        "Nothing is sent to it any more. Events are kept for it: resume it once it works, and recover what failed."
    ),
}

log = structlog.get_logger(__name__)


def write() -> int:
    """Send the letters that are due and return how many endpoints they were about; what fails is tried next time."""
    behind = Q(mailed_stage__lt=F("told_stage"))
    calm = Q(last_failure_at=None) | Q(last_failure_at__lt=timezone.now() - QUIET)
    recovered = Q(mailed_stage__gt=F("told_stage")) & calm
    rows = Health.unscoped.filter(behind | recovered).select_related("endpoint__environment__account")
    return sum(_write_about(health) for health in rows)


def _write_about(health: Health) -> bool:
    before, now = health.mailed_stage, health.told_stage
    # Two tasks at once send one letter.
    mine = Health.unscoped.filter(pk=health.pk, mailed_stage=before, told_stage=now).update(mailed_stage=now)
    if not mine or not _is_worth_a_letter(health):
        return False
    try:
        _send(health.endpoint, Stage(now), health)
    except OSError as failure:  # SMTP's errors are some of those
        Health.unscoped.filter(pk=health.pk, mailed_stage=now).update(mailed_stage=before)
        log.warning("webhook_letter_not_sent", endpoint_id=health.endpoint_id, error=type(failure).__name__)
        return False
    return True


def _is_worth_a_letter(health: Health) -> bool:
    """Whether there is news: an endpoint that somebody resumed by hand is well only once something arrived."""
    if health.endpoint.deleted_at is not None:
        return False
    return health.told_stage != Stage.WELL or (not health.consecutive_failures and health.last_success_at is not None)


def _send(endpoint: Endpoint, stage: Stage, health: Health) -> None:
    recipients = _recipients(endpoint)
    if recipients:
        lines = [
            SENTENCES[stage],
            "",
            f"Endpoint: {endpoint.public_id}",
            f"Address: {endpoint.url.partition('?')[0]}",
            f"Account: {endpoint.environment}",
            *([f"Last error: {health.last_error}"] if health.last_error else []),
            "",
            f"How webhooks are retried, and how to resume: {settings.BASE_URL}/docs/webhooks",
        ]
        send_mail(SUBJECTS[stage], "\n".join(lines), None, recipients)


def _recipients(endpoint: Endpoint) -> Sequence[str]:
    people = Membership.objects.filter(
        account=endpoint.environment.account,
        role__in=(Membership.Role.OWNER, Membership.Role.ADMIN),
        user__is_active=True,
    )
    return list(people.order_by("id").values_list("user__email", flat=True))
