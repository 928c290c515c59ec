"""The WSGI application: everything but ``/cable``, for a plain WSGI server."""

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dexra.settings")

CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)\"?", re.IGNORECASE)
# Django reads the query string with whatever codec the content type names, before any of our code runs, and Python
# has codecs (rot13, zlib, idna) that cannot do that.
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252"})

_django = get_wsgi_application()


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer one request; a charset that is no ordinary one counts as not said."""
    named = CHARSET.search(environ.get("CONTENT_TYPE", ""))
    if named and named[1].lower() not in CHARSETS:
        environ["CONTENT_TYPE"] = CHARSET.sub("", environ["CONTENT_TYPE"])
    return _django(environ, start_response)
