"""Whom a step means (design §3, "A step's `page`")."""

from __future__ import annotations

import pytest

from daybreak.domain.duration import Duration
from daybreak.domain.registry import Step, Team
from daybreak.domain.targets import in_a_gap, page_order, resolve, resolve_all
from tests.support.on_call import at, layer, off, on_call, override, pipeline, registry

T = at("2026-01-06")  # a is primary, b secondary


def two_layers(**rest):
    return on_call(layer("a b c d"), layer("b c d a", name="secondary"), **rest)


def steps(*pages: str) -> dict[str, tuple[Step, ...]]:
    return {"standard": tuple(Step(after=Duration(n, "h"), page=tuple(page.split())) for n, page in enumerate(pages))}


def test_the_plain_words() -> None:
    source = registry(
        two_layers(backup="x", manager="m"), owner="o", teams={"devops": Team(id="devops", name="DevOps")}
    )
    of = pipeline("c", "d")
    words = ("on_call", "primary", "secondary", "owner", "secondary_owner", "backup", "manager", "a", "devops")
    assert [resolve(source, word, of, T) for word in words] == [
        (one,) for one in ("a", "a", "b", "c", "d", "x", "m", "a", "devops")
    ]


def test_words_that_mean_nobody_here() -> None:
    source = registry(on_call(layer("a b")), owner="o")
    for word in ("secondary_owner", "backup", "manager", "secondary"):
        assert resolve(source, word, None, T) == ()
    assert resolve(source, "secondary", pipeline("c"), T) == ()
    assert resolve(source, "owner", None, T) == ("o",)


def test_a_word_that_nobody_knows() -> None:
    with pytest.raises(KeyError, match="somebody"):
        resolve(registry(two_layers()), "somebody", None, T)


def test_several_without_repeats() -> None:
    assert resolve_all(registry(two_layers()), ("on_call", "a", "secondary"), None, T) == ("a", "b")


class TestSecondary:
    def test_without_a_layer_it_is_the_pipelines_secondary_owner(self) -> None:
        assert resolve(registry(on_call(layer("a b"))), "secondary", pipeline("c", "d"), T) == ("d",)

    def test_who_covers_primary_is_not_reached_twice(self) -> None:
        away = (off("a", "2026-01-05", "2026-01-08"),)
        source = registry(two_layers(time_off=away, backup="x", manager="m"))
        assert resolve(source, "on_call", None, T) == ("b",)
        assert resolve(source, "secondary", None, T) == ("x",)
        assert resolve(source, "secondary", pipeline("c", "d"), T) == ("d",)
        assert resolve(source, "secondary", pipeline("c", "b"), T) == ("x",)

    def test_nor_where_an_override_put_them_on_primary(self) -> None:
        source = registry(two_layers(overrides=(override("b", "2026-01-05", "2026-01-08"),), backup="x"))
        assert page_of(source) == ("b", "x")

    def test_the_next_must_be_available(self) -> None:
        away = (off("a", "2026-01-05", "2026-01-08"), off("x", "2026-01-05", "2026-01-08"))
        source = registry(two_layers(time_off=away, backup="x", manager="m"))
        assert resolve(source, "secondary", None, T) == ("m",)

    def test_without_a_layer_the_secondary_owner_who_covers(self) -> None:
        source = registry(on_call(layer("a b"), time_off=(off("a", "2026-01-05", "2026-01-08"),), backup="x"))
        of = pipeline("c", "d")
        assert resolve(source, "on_call", of, T) == ("d",)
        assert resolve(source, "secondary", of, T) == ("x",)

    def test_without_a_layer_a_secondary_owner_who_is_off(self) -> None:
        source = registry(on_call(layer("a b"), time_off=(off("d", "2026-01-05", "2026-01-08"),), backup="x"))
        assert resolve(source, "secondary", pipeline("c", "d"), T) == ("x",)

    def test_stays_the_secondary_while_primary_is_a_gap(self) -> None:
        rota = on_call(layer("a", start="2026-02-02T09:00"), layer("b", name="secondary"), manager="m")
        source = registry(rota)
        assert resolve(source, "on_call", None, T) == ("m",)
        assert resolve(source, "secondary", None, T) == ("b",)


class TestGap:
    def test_goes_to_the_manager_else_to_the_catch_all(self) -> None:
        away = (off("a", "2026-01-05", "2026-01-08"),)
        assert resolve(registry(on_call(layer("a b"), time_off=away, manager="m")), "on_call", None, T) == ("m",)
        nobody = registry(on_call(layer("a b"), time_off=away), owner="o")
        assert resolve(nobody, "on_call", None, T) == ("o",)
        assert in_a_gap(nobody) == "o"


def page_of(source, of=None) -> tuple[str, ...]:
    return resolve_all(source, ("on_call", "secondary"), of, T)


class TestPageOrder:
    def test_is_that_of_the_steps(self) -> None:
        source = registry(
            two_layers(manager="m"),
            escalation="standard",
            escalations=steps("on_call", "secondary", "secondary manager"),
        )
        assert page_order(source, T) == ("a", "b", "m")
        assert page_order(source, T, pipeline("c", "d")) == ("a", "b", "m")

    def test_of_a_pipelines_own_policy(self) -> None:
        source = registry(two_layers(), escalations=steps("owner", "on_call"))
        assert page_order(source, T, pipeline("c", escalation="standard")) == ("c", "a")

    def test_without_any_policy_it_is_who_is_on_call(self) -> None:
        assert page_order(registry(two_layers()), T) == ("a",)
        assert page_order(registry(two_layers()), T, pipeline("c")) == ("a",)
