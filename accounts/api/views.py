"""``/v1/account``: who am I?"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.shapes import AccountShape
from accounts.models import Account
from accounts.views import PER_MINUTE, EnvironmentView
from core.times import iso, iso_or_none


class WhoAmI(EnvironmentView):
    """``/v1/account``"""

    @extend_schema(operation_id="get_account", tags=["Account"], responses=AccountShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """
        Say whose key this is.

        The account, the environment the key opens, the key's scopes and the limits of the plan.
        """
        key, account = self.caller.key, self.environment.account
        return Response(
            {
                "object": "account",
                "name": account.name,
                "plan": account.plan,
                "environment": self.environment.kind,
                "livemode": self.livemode,
                "key": {
                    "id": key.public_id,
                    "name": key.name,
                    "hint": key.hint,
                    "scopes": key.scopes,
                    "api_version": key.api_version,
                    "created_at": iso(key.created_at),
                    "expires_at": iso_or_none(key.expires_at),
                },
                "limits": {"requests_per_minute": PER_MINUTE[Account.Plan(account.plan)]},
            }
        )
