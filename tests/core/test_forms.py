"""What is wrong with a body: all of it in one go, where it is, and how much there was."""

from typing import Any

import pytest
from rest_framework import serializers

from core import fields, forms
from core.errors import Invalid, Problem


class Step(fields.Group):
    """One of several."""

    kind = fields.Choice(choices=["walk", "ride"])
    words = fields.Text(required=False, longest=5)


class Journey(serializers.Serializer[Any]):
    """A form with a list of objects, and a field that another decides about."""

    hinges = {"shoes": "kind"}

    kind = fields.Choice(choices=["walk", "ride"], required=False)
    shoes = fields.Text(required=False)
    name = fields.Text(longest=5)
    steps = fields.Items(child=Step(), required=False, max_length=3)
    days = fields.Words(required=False, most=3, longest=3)


def wrong(body, judge=None):
    with pytest.raises(Invalid) as refused:
        forms.understood(Journey(data=body), judge)
    return {(each.field, each.code, each.limit, each.actual) for each in refused.value.problems}


def named(body, judge=None):
    return {(field, code) for field, code, *_ in wrong(body, judge)}


def every_step(given):
    """Find fault with every step that rides."""
    steps = enumerate(given.get("steps", ()))
    return [Problem(f"steps.{place}.kind", "no_horse", "") for place, step in steps if step["kind"] == "ride"]


class TestHowMuch:
    def test_there_was_is_told_beside_the_limit(self):
        assert wrong({"name": "too long"}) == {("name", "too_long", 5, 8)}

    def test_there_was_is_told_at_any_depth(self):
        found = wrong({"name": "a", "steps": [{"kind": "walk", "words": "too long"}], "days": ["mon", "tuesday"]})

        assert found == {("steps.0.words", "too_long", 5, 8), ("days.1", "too_long", 3, 7)}

    def test_there_were_is_told_of_lists(self):
        assert wrong({"name": "a", "days": ["mon"] * 4}) == {("days", "too_long", 3, 4)}

    def test_there_were_is_told_of_lists_with_something_malformed_in_them(self):
        found = wrong({"name": "a", "days": ["mon", "tue", 5, "thu"]})

        assert found == {("days", "too_long", 3, 4), ("days.2", "invalid", None, None)}


class TestJudging:
    def test_goes_on_beside_what_is_malformed(self):
        body = {"name": 5, "steps": [{"kind": "ride"}]}

        assert named(body, every_step) == {("name", "invalid"), ("steps.0.kind", "no_horse")}

    def test_names_elements_where_they_were(self):
        body = {"name": "a", "steps": [{"kind": "swim"}, {"kind": "ride"}, {"kind": "ride", "words": 5}]}

        assert named(body, every_step) == {
            ("steps.0.kind", "unknown_value"),
            ("steps.1.kind", "no_horse"),
            ("steps.2.words", "invalid"),
            ("steps.2.kind", "no_horse"),
        }

    def test_takes_out_no_more_than_is_malformed(self):
        body = {"name": "a", "steps": [{"kind": "swim"}, {"kind": "swim"}, {"kind": "ride"}]}

        assert named(body, every_step) == {
            ("steps.0.kind", "unknown_value"), ("steps.1.kind", "unknown_value"), ("steps.2.kind", "no_horse")
        }  # fmt: skip

    def test_knows_nothing_of_what_is_malformed(self):
        def blame(_given):
            return [Problem(field, "blamed", "") for field in ("name", "name.first", "kind", "steps")]

        assert named({"name": 5}, blame) == {("name", "invalid"), ("kind", "blamed"), ("steps", "blamed")}

    def test_leaves_alone_what_hinges_on_what_is_malformed(self):
        def blame(given):
            return [Problem("shoes", "missing" if "shoes" not in given else "wrong", "")]

        assert named({"name": "a", "kind": "swim", "shoes": "boots"}, blame) == {("kind", "unknown_value")}

    def test_takes_out_what_lacks_something_as_a_whole(self):
        def count(given):
            return [Problem("days", f"steps_{len(given['steps'])}", "")]

        body = {"name": "a", "steps": [{"words": "hi"}, {"kind": "walk"}]}

        assert named(body, count) == {("steps.0.kind", "required"), ("days", "steps_1")}

    def test_is_handed_what_was_taken_out_of_a_list_to_count_it(self):
        def count(given):
            lost = given["steps"].lost
            return [Problem("days", f"lost_{lost}", ""), *(Problem(f"steps.{place}", "seen", "") for place in range(3))]

        body = {"name": "a", "steps": [{"words": "hi"}, {"kind": "walk"}, "ride"]}

        assert named(body, count) == {
            ("steps.0.kind", "required"), ("steps.2", "invalid"), ("steps.1", "seen"),
            ("days", "lost_[{'words': 'hi'}, 'ride']"),
        }  # fmt: skip

    def test_goes_on_where_something_needed_is_missing(self):
        assert named({"steps": [{"kind": "ride"}]}, every_step) == {
            ("name", "required"),
            ("steps.0.kind", "no_horse"),
        }

    @pytest.mark.parametrize("body", [{"name": {}, "steps": {}}, {"name": [], "steps": [[], 5, None]}])
    def test_finds_nothing_in_what_has_no_form_at_all(self, body):
        assert {field.partition(".")[0] for field, _ in named(body, every_step)} == {"name", "steps"}
