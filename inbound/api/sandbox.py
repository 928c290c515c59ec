"""``/v1/sandbox``: people and providers are played, and everything can begin anew."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from core.errors import NotFound
from core.shapes import Error
from inbound.api import inputs, shapes
from inbound.serializers import callback_json
from inbound.services import playing, resetting
from inbound.services.playing import Played


class SandboxView(EnvironmentView):
    """A door that is not there with a live key."""

    scope = "conversations"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let sandboxes in. Raises NotFound."""
        super().initial(request, *args, **kwargs)
        if self.livemode:
            raise NotFound("No such path.")


class SimulatedMessages(SandboxView):
    """``/v1/sandbox/inbound-messages``"""

    @extend_schema(
        operation_id="simulate_inbound_message", tags=["Sandbox"], request=inputs.SimulatedMessage,
        responses={202: shapes.SimulatedMessageShape, 404: Error},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Play somebody who writes to you.

        What they write comes in as their provider tells it: a signed callback of the real shape, which the answer
        shows, by the door that real ones come by. On API and web inboxes it is written as your own clients write.
        """
        played = playing.say(self.environment, self.parse(inputs.SimulatedMessage))
        return Response(self._json(played), status=status.HTTP_202_ACCEPTED)

    def _json(self, played: Played) -> dict[str, Any]:
        return {
            "id": played.row.public_id if played.row else None,
            "object": "simulated_message",
            "inbox_id": played.inbox.public_id,
            "channel": played.inbox.channel,
            "from": played.address,
            "message_id": played.message.public_id if played.message else None,
            "callback": callback_json(played.inbox, played.callback) if played.callback else None,
            "livemode": self.livemode,
        }


class ResetSandbox(SandboxView):
    """``/v1/sandbox/reset``"""

    @extend_schema(
        operation_id="reset_sandbox", tags=["Sandbox"], request=inputs.ResetSandbox,
        responses={200: shapes.SandboxResetShape, 404: Error},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Delete what was said in the sandbox.

        People, conversations, messages with all that became of them, callbacks, files and suppressed addresses go.
        Inboxes, templates, keys and webhook endpoints stay, and so does the log of events.
        """
        self.parse(inputs.ResetSandbox)
        outcome = resetting.reset(self.environment, by=self.who)
        return Response(
            {
                "object": "sandbox_reset",
                "done": outcome.is_done,
                "deleted": outcome.deleted,
                "livemode": self.livemode,
            }
        )
