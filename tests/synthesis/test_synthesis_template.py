from __future__ import annotations

from random import Random
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel

from schemalora.contract import Contract, Derived
from schemalora.errors import RenderError, UsageError
from schemalora.synthesis import PhraseBank, Template, TemplateRenderer


class Place(BaseModel):
    name: str | None


class Trip(BaseModel):
    start: Place
    end: Place
    seats: int | None
    mood: Annotated[Literal["good", "bad"], Derived()]
    steps: list[str]


CONTRACT = Contract.from_model(Trip)


def trip(start: str | None = "Oslo", seats: int | None = 2, mood: str = "good"):
    return {
        "start": {"name": start},
        "end": {"name": None},
        "seats": seats,
        "mood": mood,
        "steps": [],
    }


def render(*templates: str | Template, target: object = None, seeds: int = 40, **options: object):
    renderer = TemplateRenderer(
        CONTRACT, [Template(one) if isinstance(one, str) else one for one in templates], **options
    )
    return [renderer(trip() if target is None else target, Random(seed)) for seed in range(seeds)]


def test_only_templates_that_place_every_extracted_value_are_drawn():
    said = {
        one.text for one in render("from {start.name}", "{seats} seats", "{start.name}, {seats}")
    }
    assert said == {"Oslo, 2"}


def test_a_target_that_no_template_fits_is_refused_by_name():
    with pytest.raises(RenderError, match=r"trips: no template fits .*Oslo.*seats"):
        render("{seats} seats", name="trips")


def test_last_keys_name_slots_where_they_are_unique():
    assert {one.text for one in render("{start.name} {seats}")} == {"Oslo 2"}
    with pytest.raises(UsageError, match="slot 'name'"):
        render("{name}")


def test_conditions_and_value_banks_follow_the_target():
    bank = {"tone": PhraseBank("mood", {"good": ["yay", "nice"], "bad": ["meh"]})}
    templates = [
        Template("{start.name} {seats} {tone}", when={"mood": "good"}),
        Template("ugh {start.name} {seats} {tone}", when={"mood": ("bad",)}),
    ]
    assert {one.text for one in render(*templates, banks=bank)} == {"Oslo 2 yay", "Oslo 2 nice"}
    assert {one.text for one in render(*templates, banks=bank, target=trip(mood="bad"))} == {
        "ugh Oslo 2 meh"
    }


def test_frames_go_around_framed_templates_only():
    framed = render("{start.name} {seats}", frames=["Hi, {body}!", "{body}"])
    assert {one.text for one in framed} == {"Hi, Oslo 2!", "Oslo 2"}
    bare = render(Template("{start.name} {seats}", framed=False), frames=["Hi, {body}!"])
    assert {one.text for one in bare} == {"Oslo 2"}


def test_empty_pieces_leave_no_double_spaces_but_values_stay_as_they_are():
    bank = {"nothing": ("",)}
    texts = render(
        "a {nothing} {nothing} {seats} {start.name}", banks=bank, target=trip(start=" O  ")
    )
    assert {one.text for one in texts} == {"a 2  O  "}


def test_groups_are_the_templates_identity_and_marks_cover_the_values():
    renderings = render("to {start.name} with {seats}", "{seats} for {start.name}")
    assert len({one.group for one in renderings}) == 2
    for one in renderings:
        assert sorted(one.text[a:b] for a, b in one.marks) == ["2", "Oslo"]


def test_a_template_keeps_its_group_when_others_come_and_go():
    assert Template("a {x}").group == Template("a {x}").group != Template("b {x}").group


def test_families_can_be_taken_apart_and_groups_rendered_by_name():
    templates = [
        Template("{start.name} {seats}", family="a"),
        Template("{seats}: {start.name}", family="b"),
    ]
    renderer = TemplateRenderer(CONTRACT, templates)
    assert {renderer.only("b")(trip(), Random(seed)).text for seed in range(9)} == {"2: Oslo"}
    again = renderer.render_group(trip(start="Rome"), templates[0].group, Random(0))
    assert again is not None
    assert again.text == "Rome 2"
    assert renderer.render_group(trip(), "unknown", Random(0)) is None


def test_the_groups_that_fit_are_told_and_any_of_them_renders():
    always = Template("{start.name}, {seats}", group="always")
    happy = Template("{seats} glad ones from {start.name}", when={"mood": "good"}, group="happy")
    placeless = Template("{seats} seats", group="placeless")
    renderer = TemplateRenderer(CONTRACT, [always, placeless, happy], name="trips")
    assert renderer.groups(trip()) == ("always", "happy")
    assert renderer.groups(trip(mood="bad")) == ("always",)
    assert renderer.groups(trip(start=None)) == ("placeless",)
    for seed in range(20):
        drawn = renderer(trip(), Random(seed))
        rng = Random(seed)
        group = ("always", "happy")[int(rng.random() * 2)]
        assert renderer.render_group(trip(), group, rng) == drawn
    with pytest.raises(RenderError, match=r"trips: no template fits .*Oslo"):
        renderer.only("none of them").groups(trip())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"banks": {"a": ("{b}",), "b": ("{a}",)}}, "contains itself"),
        ({"frames": ["no slot"]}, "body"),
        ({"frames": ["({body}|)"]}, "body"),
        ({"banks": {"a": PhraseBank("colour", {})}}, "'colour' is no field of Trip"),
    ],
)
def test_what_cannot_be_right_is_refused_at_once(options: dict[str, object], message: str):
    with pytest.raises(UsageError, match=message):
        render("{start.name} {seats}", **options)


def test_conditions_on_unknown_fields_are_refused():
    with pytest.raises(UsageError, match="'nope' is no field"):
        render(Template("{seats} {start.name}", when={"nope": 1}))
