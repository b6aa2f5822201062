"""The gallery as text: what stands in the page, and what must not."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

from widgetlib import catalog
from widgetlib.figures.theme import colour
from widgetlib.site.gallery import mark, momentum, page


def entry(slug: str, **more) -> SimpleNamespace:
    """A method as the catalogue describes it."""
    usual = {"title": slug, "family": "first_order", "world": "minimize", "idea": "It steps."}
    return SimpleNamespace(slug=slug, **({"paper": {}, "fields": ()} | usual | more))


def field(name: str, default, kind: str = "float") -> SimpleNamespace:
    """A hyperparameter as the catalogue describes it."""
    return SimpleNamespace(name=name, default=default, kind=kind)


def test_one_card_a_method_of_the_catalogue():
    entries = catalog.methods()
    text = page(entries, root="/")
    assert re.findall(r'data-method="(\w+)"', text) == [e.slug for e in entries]
    assert 'href="/voila/render/compare.ipynb"' in text
    for e in entries:
        assert f'href="/voila/render/card.ipynb?method={e.slug}"' in text
        assert colour(e.slug) in text


def test_nothing_is_asked_from_elsewhere():
    text = page(catalog.methods())
    assert not re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?(?:https?:)?//', text)


def test_texts_are_escaped():
    text = page(
        [entry("x", title="<b>bold</b>", idea="a & b", paper={"title": '"quoted"', "year": 2020}, family="<i>")]
    )
    assert "<b>bold" not in text and "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "a &amp; b" in text and "<i>" not in text


def test_families_and_worlds_become_filters():
    text = page([entry("a"), entry("b", family="games", world="game"), entry("c")])
    assert re.findall(r'class="chip"[^>]*data-family="([^"]+)"', text) == ["first order", "games"]
    assert re.findall(r"<option>([^<]+)</option>", text) == ["game", "minimize"]
    assert "3 methods" in text


def test_the_mark_shows_the_momentum_also_of_the_base():
    plain, heavy = entry("plain"), entry("heavy", fields=(field("lr", 0.1), field("beta", 0.9)))
    wrapper = entry("wrapper", fields=(field("base", "heavy", "method"),))
    known = {e.slug: e for e in (plain, heavy, wrapper)}
    assert [momentum(e, known) for e in known.values()] == [0.0, 0.9, 0.9]
    assert "M40 0H-40" in mark(plain, known)
    assert "A32.40 32.40" in mark(heavy, known)
    assert colour("heavy") in mark(heavy, known)
    assert 'd=""' in mark(entry("minimax", world="game"), known)


def test_a_gallery_of_hundreds_is_rendered_without_torch_and_quickly():
    code = (
        "import sys, time; from widgetlib import catalog; from widgetlib.site.gallery import page;"
        "entries = catalog.methods(); page(entries); start = time.perf_counter();"
        "page([entries[0]] * 400); took = time.perf_counter() - start;"
        "assert took < 0.5, took; assert 'torch' not in sys.modules and 'ipywidgets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
