"""What was made of texts is found again, by text and kind, within its room."""

from __future__ import annotations

from watchline.detectors.runtime.cache import TextCache


def kept(cache: TextCache[str], *texts: str) -> None:
    keys, _, _ = cache.look_up(texts)
    for key, text in zip(keys, texts, strict=True):
        cache.keep(key, text)


def test_the_least_recently_used_goes_when_there_is_no_room() -> None:
    cache = TextCache[str](10, len)
    kept(cache, "aaaa", "bbbb")
    cache.look_up(["aaaa"])
    kept(cache, "cccc")
    _, known, missing = cache.look_up(["aaaa", "bbbb", "cccc"])
    assert (list(known.values()), list(missing.values())) == (["aaaa", "cccc"], ["bbbb"])
    assert cache.currsize == 8


def test_what_is_larger_than_the_room_is_not_kept_and_takes_none_of_it() -> None:
    cache = TextCache[str](10, len)
    kept(cache, "aaaa", "b" * 11)
    assert list(cache.values()) == ["aaaa"]
    nothing = TextCache[str](0)
    kept(nothing, "aaaa")
    assert len(nothing) == 0


def test_a_text_is_missing_once_and_another_kind_of_it_is_another() -> None:
    cache = TextCache[str](10)
    keys, known, missing = cache.look_up(["a", "a", "a"], ["", "", "prose"])
    assert keys[0] == keys[1] != keys[2]
    assert (known, list(missing.values())) == ({}, ["a", "a"])
    cache.keep(keys[2], "prose's")
    assert list(cache.look_up(["a", "a"], ["", "prose"])[1].values()) == ["prose's"]


def test_half_a_surrogate_pair_is_a_text_too() -> None:
    cache = TextCache[str](10)
    kept(cache, "\ud800")
    assert list(cache.look_up(["\ud800"])[1]) == cache.look_up(["\ud800"])[0]
