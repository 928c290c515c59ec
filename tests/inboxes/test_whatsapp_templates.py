"""WhatsApp's templates: values for their variables, and how they are listed, handed in and taken back."""

from typing import Any

import pytest

from inboxes.channels import limits
from inboxes.channels.outcomes import Sent
from inboxes.channels.outgoing import Template
from inboxes.channels.templates import ProviderTemplate, Unanswered
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph
from tests.providers.words import answered, asked, outgoing

WHATSAPP = Whatsapp()
SETTINGS = graph.SETTINGS["whatsapp"]
ANA = "+16505551234"
ORDER: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["h"]}},
    {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way, {{1}}."},
    {"type": "FOOTER", "text": "Shop"},
    {"type": "BUTTONS", "buttons": [
        {"type": "URL", "text": "Follow", "url": "https://shop.test/o/{{1}}"},
        {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+16505550000"},
        {"type": "QUICK_REPLY", "text": "Stop"},
    ]},
]  # fmt: skip
NAMED = [{"type": "HEADER", "format": "TEXT", "text": "Hi {{name}}"}, {"type": "BODY", "text": "See {{day}}, {{name}}"}]
CODE = [
    {"type": "BODY", "text": "*{{1}}* is your code.", "add_security_recommendation": True},
    {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy", "url": "https://www.whatsapp.com/otp/{{1}}"}]},
]
COUPON = [
    {"type": "BODY", "text": "Take 10 %"},
    {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "text": "Copy"}]},
]
ORDER_VALUES = {"1": "Ana", "2": 42, "header": "https://files.test/a.png", "buttons": ["abc"]}


def a_message(components, variables, category="utility", **fields):
    template = Template("order_sent", "en_US", category, variables, components)
    return outgoing(ANA, type="template", text="", template=template, **fields)


def said(components, variables, category="utility"):
    return WHATSAPP.order(a_message(components, variables, category), SETTINGS).json["template"].get("components")


def texts(*values):
    return [{"type": "text", "text": value} for value in values]


def wrong(components, variables, category="utility"):
    found = limits.problems_of(WHATSAPP, a_message(components, variables, category), SETTINGS)
    return {(problem.field.removeprefix("template.variables."), problem.code) for problem in found}


@pytest.fixture
def provider(settings):
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": running.base}
        yield running


class TestValues:
    def test_go_where_the_template_has_its_variables(self):
        image = {"type": "image", "image": {"link": "https://files.test/a.png"}}

        assert said(ORDER, ORDER_VALUES) == [
            {"type": "header", "parameters": [image]},
            {"type": "body", "parameters": texts("Ana", "42")},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": texts("abc")},
        ]

    def test_of_named_variables_bring_their_names(self):
        name = {"type": "text", "parameter_name": "name", "text": "Ana"}
        day = {"type": "text", "parameter_name": "day", "text": "Monday"}

        assert said(NAMED, {"name": "Ana", "day": "Monday"}) == [
            {"type": "header", "parameters": [name]},
            {"type": "body", "parameters": [day, name]},
        ]

    def test_of_a_code_are_in_the_body_and_on_the_button(self):
        assert said(CODE, {"1": "123456"}, "authentication") == [
            {"type": "body", "parameters": texts("123456")},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": texts("123456")},
        ]

    def test_of_a_coupon_are_copied(self):
        [button] = said(COUPON, {"buttons": ["TEN"]})

        assert (button["sub_type"], button["parameters"]) == (
            "copy_code", [{"type": "coupon_code", "coupon_code": "TEN"}],
        )  # fmt: skip

    def test_of_a_quick_reply_may_be_left_out_and_name_the_answer(self):
        assert wrong(ORDER, {**ORDER_VALUES, "buttons": ["abc"]}) == set()
        assert said(ORDER, {**ORDER_VALUES, "buttons": {"0": "abc", "2": "STOP"}})[-1] == {
            "type": "button", "sub_type": "quick_reply", "index": "2",
            "parameters": [{"type": "payload", "payload": "STOP"}],
        }  # fmt: skip

    def test_may_be_a_currency_or_a_document(self):
        price = {"type": "currency", "currency": {"fallback_value": "$9", "code": "USD", "amount_1000": 9000}}
        document = [{"type": "HEADER", "format": "DOCUMENT"}, {"type": "BODY", "text": "{{1}}"}]
        components = said(document, {"1": price, "header": {"url": "https://files.test/a", "filename": "a.pdf"}})

        assert components[0]["parameters"][0]["document"] == {"link": "https://files.test/a", "filename": "a.pdf"}
        assert components[1]["parameters"] == [price]

    def test_of_a_part_win_over_those_of_the_same_name(self):
        header = [{"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, {"type": "BODY", "text": "Hi {{1}}"}]

        assert said(header, {"1": "Ana", "header": "42"}) == [
            {"type": "header", "parameters": texts("42")},
            {"type": "body", "parameters": texts("Ana")},
        ]

    def test_are_taken_as_they_come_where_nobody_has_seen_the_template(self):
        assert said([], {"1": "Ana", "2": "42", "buttons": ["abc"]}) == [
            {"type": "body", "parameters": texts("Ana", "42")},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": texts("abc")},
        ]
        assert said([], {"1": "123456"}, "authentication")[1]["parameters"] == texts("123456")

    def test_of_an_unseen_template_are_a_code_where_the_message_is_said_to_bring_one(self):
        template = Template("code", "en", "", {"1": "123456"}, [])
        message = outgoing(ANA, type="template", template=template, category="authentication")

        assert len(WHATSAPP.order(message, SETTINGS).json["template"]["components"]) == 2

    def test_are_none_where_there_are_no_variables(self):
        assert said([{"type": "BODY", "text": "Hello"}], {}) is None

    def test_are_the_callers_own_with_components_of_the_providers(self):
        raw = [{"type": "body", "parameters": texts("x")}]
        message = a_message(ORDER, {}, overrides={"template": {"components": raw}})

        assert limits.problems_of(WHATSAPP, message, SETTINGS) == []
        assert WHATSAPP.order(message, SETTINGS).json["template"]["components"] == raw


class TestProblems:
    @pytest.mark.parametrize(
        ("components", "variables", "problems"),
        [
            (ORDER, ORDER_VALUES, set()),
            (ORDER, {}, {("1", "M"), ("2", "M"), ("header", "M"), ("buttons.0", "M")}),
            (ORDER, {**ORDER_VALUES, "2": ""}, {("2", "M")}),
            (ORDER, {**ORDER_VALUES, "3": "x", "name": "y"}, {("3", "M"), ("name", "M")}),
            (ORDER, {**ORDER_VALUES, "2": "x" * 1025}, {("2", "too_long")}),
            (ORDER, {**ORDER_VALUES, "buttons": ["x" * 2001]}, {("buttons.0", "too_long")}),
            (COUPON, {}, {("buttons.0", "M")}),
            ([{"type": "BODY", "text": "Hello"}], {}, set()),
        ],
    )
    def test_name_each_value_that_is_missing_or_in_excess(self, components, variables, problems):
        expected = {(field, "template_parameters_mismatch" if code == "M" else code) for field, code in problems}

        assert wrong(components, variables) == expected

    def test_a_code_has_fifteen_characters_at_most(self):
        assert ("1", "too_long") in wrong(CODE, {"1": "1" * 16}, "authentication")
        assert wrong(CODE, {"1": "1" * 15}, "authentication") == set()

    def test_an_unseen_template_has_a_name_that_it_can_have_and_a_language(self):
        template = Template("Order sent!", "", "", {}, [])
        message = outgoing(ANA, type="template", template=template)

        fields = [each.field for each in WHATSAPP.problems_of(message, SETTINGS)]
        assert fields == ["template.name", "template.language"]


class TestProvider:
    def test_takes_a_template_with_its_values_and_refuses_it_with_fewer(self, provider):
        order = ProviderTemplate("order_sent", "en_US", "utility", ORDER)
        asked(WHATSAPP.create_template_order(SETTINGS, order))
        whole, fewer = a_message(ORDER, ORDER_VALUES), a_message(ORDER, {"1": "Ana"})

        assert WHATSAPP.judge(asked(WHATSAPP.order(whole, SETTINGS)), whole) == Sent("wamid.000000")
        refused = WHATSAPP.judge(asked(WHATSAPP.order(fewer, SETTINGS)), fewer)
        assert (refused.code, refused.provider_code) == ("template_parameters_mismatch", "132000")

    def test_does_not_know_others(self, provider):
        message = a_message([], {"1": "x"})

        assert WHATSAPP.judge(asked(WHATSAPP.order(message, SETTINGS)), message).code == "template_not_found"


class TestKeeping:
    def test_a_template_is_handed_in_listed_and_taken_back(self, provider):
        template = ProviderTemplate("hello", "en_US", "utility", [{"type": "body", "text": "Hi {{name}}"}])
        verdict = WHATSAPP.judge_template(asked(WHATSAPP.create_template_order(SETTINGS, template)))
        listed, after = WHATSAPP.read_templates(asked(WHATSAPP.templates_order(SETTINGS)))

        assert (verdict.problem, verdict.status, verdict.category) == (None, "pending", "utility")
        [kept] = listed
        assert (kept.external_id, kept.status, kept.reason, after) == (verdict.external_id, "pending", "", "")
        assert kept.components == [{"type": "BODY", "text": "Hi {{name}}"}]
        assert provider.templates["hello", "en_US"]["parameter_format"] == "NAMED"
        assert WHATSAPP.judge_template(asked(WHATSAPP.delete_template_order(SETTINGS, kept))).problem is None
        assert provider.templates == {}

    def test_all_pages_are_read(self, provider):
        for number in range(250):
            key = (f"t_{number}", "en")
            provider.templates[key] = {"name": key[0], "language": "en", "status": "APPROVED", "category": "MARKETING",
                                       "components": [], "id": str(number), "rejected_reason": "NONE"}  # fmt: skip
        names, after = set(), ""
        while True:
            page, after = WHATSAPP.read_templates(asked(WHATSAPP.templates_order(SETTINGS, after)))
            names |= {each.name for each in page}
            if not after:
                break

        assert len(names) == 250
        assert len(provider.requests) == 3

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [("APPROVED", "approved"), ("FLAGGED", "approved"), ("IN_APPEAL", "pending"), ("REJECTED", "rejected"),
         ("PAUSED", "paused"), ("DISABLED", "disabled"), ("PENDING_DELETION", "disabled")],
    )  # fmt: skip
    def test_a_status_is_put_into_our_words(self, theirs, ours):
        told = {"name": "a", "language": "en", "status": theirs, "category": "UTILITY", "id": "1",
                "rejected_reason": "INVALID_FORMAT"}  # fmt: skip
        [template], _ = WHATSAPP.read_templates(answered(200, {"data": [told]}))

        assert (template.status, template.reason) == (ours, "INVALID_FORMAT")

    @pytest.mark.parametrize(
        "reply",
        [answered(401, {"error": {"code": 190, "message": "Bad token"}}), answered(502, b"<html>"), answered(200, {})],
    )
    def test_a_list_that_is_none_is_not_taken_for_an_empty_one(self, reply):
        with pytest.raises(Unanswered):
            WHATSAPP.read_templates(reply)

    @pytest.mark.parametrize(
        ("reply", "field", "code"),
        [
            (answered(400, {"error": {"code": 100, "message": "M", "error_subcode": 2388024}}), "name",
             "already_taken"),
            (answered(400, {"error": {"code": 100, "message": "M", "error_user_msg": "Add an example"}}), "components",
             "refused_by_provider"),
            (answered(401, {"error": {"code": 190, "message": "M"}}), "inbox_id", "channel_auth_failed"),
            (answered(400, {"error": {"code": 80007, "message": "M"}}), "inbox_id", "rate_limited"),
            (answered(502, b"<html>"), "inbox_id", "provider_unavailable"),
        ],
    )  # fmt: skip
    def test_why_a_template_was_refused_is_told(self, reply, field, code):
        problem = WHATSAPP.judge_template(reply).problem

        assert (problem.field, problem.code) == (field, code)

    def test_without_a_business_account_there_is_nobody_to_ask(self):
        alone = {**SETTINGS, "waba_id": ""}
        template = ProviderTemplate("a", "en", "utility", [])

        assert WHATSAPP.templates_order(alone) is None
        assert WHATSAPP.create_template_order(alone, template) is None
        assert WHATSAPP.delete_template_order(alone, template) is None
