"""
A fake Graph API of Meta's: WhatsApp, Messenger and Instagram behind one door.

It refuses what Meta refuses, in its words and with its codes, keeps what it took, and signs what it tells us.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.providers import graph_rules
from tests.providers.calling import Call
from tests.providers.server import Act, Provider, Request, answer, answer_json, query_of

TOKEN, SECRET, VERIFY_TOKEN = "EAAG-access-token-of-the-tests", "app-secret-of-the-tests", "a-token-to-verify"
NUMBER, ACCOUNT, PAGE, INSTAGRAM = "106540352242922", "102290129340398", "61550001112223", "17841400001112223"
SHOWN_NUMBER = "15550783881"
SETTINGS = {
    "whatsapp": {"phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN, "app_secret": SECRET,
                 "verify_token": VERIFY_TOKEN},
    "messenger": {"page_id": PAGE, "page_access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY_TOKEN},
    "instagram": {"page_id": INSTAGRAM, "page_access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY_TOKEN},
}  # fmt: skip
PATH = re.compile(r"/v\d+\.\d/([^/]+)(?:/(\w+))?")
THROTTLED = frozenset({4, 80007, 130429, 131048, 131056})


class Graph(Provider):
    """
    One number, one page and one Instagram account of one app.

    ``sent`` are the messages it took, with their ids; ``refusals`` are the codes it refuses people's messages with, by
    what they are called; ``wa_ids`` what WhatsApp calls people beside the number they dial. ``templates`` are kept by
    name and language, ``files`` are contents and their types by id, ``hook`` is where it was told to call.
    """

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.refusals: dict[str, int] = {}
        self.wa_ids: dict[str, str] = {}
        self.templates: dict[tuple[str, str], dict[str, Any]] = {}
        self.files: dict[str, tuple[bytes, str]] = {}
        self.hook = {"override_callback_uri": "https://dexra.test/inbound/x/y", "verify_token": VERIFY_TOKEN}

    def reply(self, request: Request) -> Act:
        """Answer a call, or refuse it."""
        parts = urlsplit(request.path)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return no(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if parts.path.startswith("/media/"):
            content, kind = self.files[parts.path.removeprefix("/media/")]
            return answer(200, content, headers={"Content-Type": kind})
        found = PATH.fullmatch(parts.path)
        node, edge = found.groups() if found else ("", None)
        method = getattr(self, f"_{request.method.lower()}_{edge or 'node'}", None)
        if method is None or (edge == "messages" and node not in {NUMBER, PAGE, INSTAGRAM, "me"}):
            return no(100, f"Unsupported request. Object with ID '{node}' does not exist", subcode=33)
        return method(node, request)

    # --- what it calls us with -----------------------------------------------------------------------------------

    def greets(self, token: str = "", challenge: str = "1158201444") -> str:
        """Return the query of the handshake."""
        told = {"hub.mode": "subscribe", "hub.challenge": challenge}
        return urlencode({**told, "hub.verify_token": token or self.hook["verify_token"]})

    def tells(self, value: Mapping[str, Any], *, field: str = "messages", number: str = NUMBER) -> Call:
        """Return the call that tells something of the number."""
        about = {"display_phone_number": SHOWN_NUMBER, "phone_number_id": number}
        whole = {"messaging_product": "whatsapp", "metadata": about, **value} if field == "messages" else dict(value)
        entry = {"id": ACCOUNT, "changes": [{"field": field, "value": whole}]}
        return self.signed({"object": "whatsapp_business_account", "entry": [entry]})

    def status(self, sent: Mapping[str, Any], status: str, *, code: int = 0) -> Call:
        """Return the call that tells what became of a message it took."""
        told = {"id": sent["id"], "status": status, "timestamp": "1763668807", "recipient_id": sent.get("to"),
                "biz_opaque_callback_data": sent.get("biz_opaque_callback_data")}  # fmt: skip
        errors = {"errors": [{"code": code, "title": "Failed", "error_data": {"details": "It failed."}}]}
        kept = {name: value for name, value in told.items() if value is not None}
        return self.tells({"statuses": [{**kept, **(errors if code else {})}]})

    def event(self, *events: Mapping[str, Any], is_instagram: bool = False) -> Call:
        """Return the call that tells something of the page or the Instagram account."""
        entry = {"id": INSTAGRAM if is_instagram else PAGE, "time": 1763668807000, "messaging": list(events)}
        return self.signed({"object": "instagram" if is_instagram else "page", "entry": [entry]})

    def signed(self, told: Any, secret: str = SECRET) -> Call:
        """Return a call with the app's signature; all but ASCII is escaped, and slashes too, as Meta does."""
        body = json.dumps(told, separators=(",", ":")).replace("/", "\\/").encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        return Call(self.hook["override_callback_uri"], body, headers)

    # --- what it answers -----------------------------------------------------------------------------------------

    def _post_messages(self, node: str, request: Request) -> Act:
        said = request.json
        return self._whatsapp(said) if node == NUMBER else self._page(said, is_instagram=node != PAGE)

    def _whatsapp(self, said: Any) -> Act:
        wrong = graph_rules.of_whatsapp(said)
        if wrong:
            return no(100, "(#100) Invalid parameter", details="; ".join(wrong))
        whom = said.get("to", said.get("recipient")).removeprefix("+")
        if whom in self.refusals:
            return refused(self.refusals[whom])
        if "template" in said and (problem := self._problem_of(said["template"])):
            return no(problem[0], "Template problem", details=problem[1])
        message = {**said, "id": f"wamid.{len(self.sent):06}"}
        self.sent.append(message)
        person = {
            "input": whom,
            **({"user_id": whom} if "recipient" in said else {"wa_id": self.wa_ids.get(whom, whom)}),
        }
        return answer_json({"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": message["id"]}]})

    def _page(self, said: Any, *, is_instagram: bool) -> Act:
        wrong = graph_rules.of_page(said, is_instagram=is_instagram)
        if wrong:
            return no(100, "(#100) Invalid parameter", details="; ".join(wrong))
        whom = said["recipient"]["id"]
        if whom in self.refusals:
            return refused(self.refusals[whom])
        message = {**said, "id": f"m_{len(self.sent):06}"}
        self.sent.append(message)
        return answer_json({"recipient_id": whom, "message_id": message["id"]})

    def _post_node(self, _node: str, request: Request) -> Act:
        hook = request.json["webhook_configuration"]
        if not hook["override_callback_uri"].startswith("https://"):
            return no(100, "(#100) override_callback_uri must be https")
        self.hook = hook
        return answer_json({"success": True})

    def _get_node(self, node: str, _request: Request) -> Act:
        known: dict[str, dict[str, Any]] = {
            NUMBER: {"display_phone_number": "+1 555-078-3881", "verified_name": "Shop", "id": NUMBER},
            PAGE: {"name": "The Shop", "id": PAGE},
            "me": {"user_id": INSTAGRAM, "username": "the.shop", "id": "9"},
        }
        if node in self.files:
            return answer_json({"url": self.at(f"/media/{node}"), "mime_type": self.files[node][1], "id": node,
                                "messaging_product": "whatsapp", "file_size": len(self.files[node][0])})  # fmt: skip
        if node in known:
            return answer_json(known[node])
        return no(100, f"Unsupported get request. Object with ID '{node}' does not exist", subcode=33)

    def _get_message_templates(self, _node: str, request: Request) -> Act:
        query = query_of(request)
        first, limit = int(query.get("after", "0")), int(query.get("limit", "25"))
        page = list(self.templates.values())[first : first + limit]
        cursors = {"before": str(first), "after": str(first + limit)}
        more = {"next": self.at(f"/next?after={first + limit}")} if first + limit < len(self.templates) else {}
        return answer_json({"data": page, "paging": {"cursors": cursors, **more}})

    def _delete_message_templates(self, _node: str, request: Request) -> Act:
        query = query_of(request)
        gone = [
            key for key, each in self.templates.items()
            if key[0] == query["name"] and query.get("hsm_id", each["id"]) == each["id"]
        ]  # fmt: skip
        for key in gone:
            del self.templates[key]
        return answer_json({"success": True}) if gone else no(100, "No such template", subcode=2593002)

    def _post_message_templates(self, _node: str, request: Request) -> Act:
        said = request.json
        key = (said["name"], said["language"])
        if not re.fullmatch(r"[a-z0-9_]{1,512}", said["name"]) or said["category"] != said["category"].upper():
            return no(100, "(#100) Invalid parameter", details="name or category")
        if key in self.templates:
            return no(100, "Invalid parameter", subcode=2388024, details="Content in this language already exists")
        if not any(each["type"] == "BODY" for each in said["components"]):
            return no(100, "(#100) Invalid parameter", details="A BODY is needed")
        self.templates[key] = {**said, "id": str(594425479261596 + len(self.templates)), "status": "PENDING",
                               "rejected_reason": "NONE"}  # fmt: skip
        return answer_json({"id": self.templates[key]["id"], "status": "PENDING", "category": said["category"]})

    def _problem_of(self, said: Mapping[str, Any]) -> tuple[int, str] | None:
        """Return what is wrong with a template's parameters, by what it has."""
        template = self.templates.get((said["name"], said["language"]["code"]))
        if template is None:
            return 132001, f"template name ({said['name']}) does not exist in {said['language']['code']}"
        if template["status"] in {"PAUSED", "DISABLED"}:
            return {"PAUSED": 132015, "DISABLED": 132016}[template["status"]], "Template is away"
        for component in template["components"]:
            if component["type"] not in {"HEADER", "BODY"}:
                continue
            expected = len(set(re.findall(r"\{\{\w+\}\}", component.get("text", ""))))
            expected += component.get("format", "TEXT") != "TEXT"
            given = sum(
                len(each["parameters"])
                for each in said.get("components", [])
                if each["type"].upper() == component["type"]
            )
            if given != expected:
                return 132000, f"{component['type']}: number of params ({given}) != expected ({expected})"
        return None


def no(code: int, message: str, *, status: int = 400, subcode: int = 0, details: str = "", **more: Any) -> Act:
    """Refuse as Graph does."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3"}
    if details:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    if subcode:
        error["error_subcode"] = subcode
    return answer_json({"error": {**error, **more}}, status)


def refused(code: int) -> Act:
    """Refuse with a code, under the status it comes with."""
    status = 429 if code in THROTTLED else 500 if code in {2, 131000, 131016} else 401 if code == 190 else 400
    return no(code, f"(#{code}) Refused", status=status, details=f"Refused with {code}.")
