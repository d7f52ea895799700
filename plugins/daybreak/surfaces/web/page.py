"""The runbook page: what is known of the pipeline on top, the runbook below, readable on a phone at night."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from daybreak.surfaces.web.render import Rendered, render

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2330;--soft:#5b6575;--line:#d9dee7;--card:#f5f7fa;--link:#0b62d6;
--code:#eef1f6;--mark:#fff3c4}
@media (prefers-color-scheme:dark){:root{--bg:#12161d;--fg:#e4e8ef;--soft:#9aa5b5;--line:#2c3441;--card:#1a2029;
--link:#79b0ff;--code:#1f2732;--mark:#4a3f12}}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--fg);font:17px/1.6 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:46rem;margin:0 auto;padding:1.25rem 1rem 5rem}
a{color:var(--link);text-underline-offset:2px}nav.top{font-size:.9rem;color:var(--soft)}
h1{font-size:1.65rem;line-height:1.25;margin:.5rem 0 1rem}h2{font-size:1.28rem;margin:2.4rem 0 .6rem;padding-top:.4rem;
border-top:1px solid var(--line)}h3{font-size:1.08rem;margin:1.6rem 0 .4rem}
:target{background:var(--mark);box-shadow:0 0 0 .35rem var(--mark);border-radius:2px}
dl.facts{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.4rem 1rem;margin:0 0 1.5rem}
dl.facts>div{padding:.45rem 0;border-bottom:1px solid var(--line)}dl.facts>div:last-child{border:0}
dl.facts dt{color:var(--soft);font-size:.85rem}dl.facts dd{margin:0;overflow-wrap:anywhere}dl.facts p{margin:0}
@media (min-width:40rem){dl.facts>div{display:grid;grid-template-columns:9.5rem 1fr;gap:1rem}}
details.toc{border:1px solid var(--line);border-radius:10px;padding:.5rem 1rem;margin-bottom:1rem}
details.toc summary{cursor:pointer;min-height:2rem;line-height:2rem;color:var(--soft)}
details.toc ul{margin:.2rem 0 .5rem;padding-left:1.1rem}details.toc li{padding:.28rem 0}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.88em;background:var(--code)}
code{padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{padding:.8rem 1rem;border-radius:8px;overflow-x:auto;line-height:1.45}pre code{padding:0;background:none}
div.table{overflow-x:auto}table{border-collapse:collapse;min-width:100%;font-size:.94rem}
th,td{border:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top}th{background:var(--card)}
blockquote{margin:1rem 0;padding:.1rem 1rem;border-left:4px solid var(--line);color:var(--soft)}
img{max-width:100%;height:auto}ul.list{list-style:none;padding:0}ul.list li{padding:.7rem 0;
border-bottom:1px solid var(--line)}ul.list small{display:block;color:var(--soft)}
"""


def runbook_page(*, name: str, text: str, facts: Sequence[tuple[str, str]], airflow_home: str) -> str:
    """The whole page. ``facts`` are (label, Markdown) rows; ``airflow_home`` is the address of Airflow's first page."""
    rendered = render(text)
    title = rendered.title or name
    heading = "" if rendered.title and rendered.headings[0][0] == 1 else f"<h1>{escape(title)}</h1>"
    body = f"{heading}{_facts(facts)}{_contents(rendered)}{rendered.html}"
    if not heading:  # the runbook's own title stays above what we know of the pipeline
        first, closing, rest = rendered.html.partition("</h1>")
        body = f"{first}{closing}{_facts(facts)}{_contents(rendered)}{rest}"
    return document(title, way_back(airflow_home, runbooks="./"), body)


def index_page(*, entries: Sequence[tuple[str, str, str]], airflow_home: str) -> str:
    """All runbooks: (file name without ``.md``, title, what it is about)."""
    items = "".join(
        f'<li><a href="{escape(name)}">{escape(title)}</a><small>{escape(about)}</small></li>'
        for name, title, about in entries
    )
    body = f'<h1>Runbooks</h1><ul class="list">{items}</ul>' if items else "<h1>Runbooks</h1><p>There are none yet.</p>"
    return document("Runbooks", way_back(airflow_home, runbooks=None), body)


def missing_page(*, name: str, airflow_home: str) -> str:
    body = f"<h1>No such runbook</h1><p>There is no runbook <code>{escape(name)}</code>.</p>"
    return document("No such runbook", way_back(airflow_home, runbooks="./"), body)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{escape(label)}</dt><dd>{render(value).html}</dd></div>" for label, value in facts)
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def _contents(rendered: Rendered) -> str:
    links = "".join(
        f'<li><a href="#{escape(anchor)}">{escape(text)}</a></li>'
        for level, text, anchor in rendered.headings
        if level in (2, 3)
    )
    return f'<details class="toc"><summary>Contents</summary><ul>{links}</ul></details>' if links else ""


def way_back(airflow_home: str, *, runbooks: str | None) -> str:
    """The line on top. ``runbooks``: the address of the list of runbooks, from this page; None on that list itself."""
    links = [f'<a href="{escape(airflow_home)}">Airflow</a>']
    if runbooks is not None:
        links.append(f'<a href="{escape(runbooks)}">All runbooks</a>')
    return f'<nav class="top">{" · ".join(links)}</nav>'


def document(title: str, top: str, body: str, *, style: str = "") -> str:
    """A page around ``body`` (HTML, safe already); ``style`` is added to the style that all pages share."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body><main>{top}{body}</main></body></html>"
    )
