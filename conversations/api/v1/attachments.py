"""``/v1/attachments``: files for messages that are sent later."""

from dataclasses import replace

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from conversations.api.v1 import inputs, shapes
from conversations.serializers import attachment_json
from conversations.services import uploads
from core.errors import Invalid, invalid
from core.times import iso


class Attachments(EnvironmentView):
    """``/v1/attachments``"""

    scope = "conversations"
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="create_attachment", tags=["Sending"], request={"multipart/form-data": inputs.Upload},
        responses={201: shapes.UploadShape},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """
        Upload a file, to be sent as `media.attachment_id`.

        As `multipart/form-data` with one `file` of at most 40 MiB. It is kept for 24 hours, and may go with many
        messages; what went with one stays as long as that message.
        """
        files = request.FILES.getlist("file")
        if len(files) != 1:
            code = "too_many" if files else "required"
            raise invalid("file", "One file, as the part of a form that is named file.", code=code)
        self._ignored |= {str(name) for name in request.data} - {"file"}
        try:
            upload = uploads.keep(self.environment, files[0])
        except Invalid as wrong:  # they know a message's attachments; here the part of the form is called otherwise
            raise Invalid(*(replace(each, field="file") for each in wrong.problems)) from wrong
        shown = {
            **attachment_json(upload),
            "object": "attachment",
            "livemode": self.livemode,
            "created_at": iso(upload.created_at),
            "expires_at": iso(upload.created_at + uploads.KEPT_FOR),
        }
        return Response(shown, status=status.HTTP_201_CREATED)
