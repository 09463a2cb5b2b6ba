"""Writes a link through template engines of Python: one line "name<TAB>HTML" each.

Arguments: the placeholder, as a value that an application hands to a template.
"""
import json
import sys

import django
from django.conf import settings
from django.template import Context, Engine
from lxml import etree
from lxml import html as lxml_html

link = sys.argv[1]
settings.configure()
django.setup()


def out(name, text):
    print(json.dumps([name, text]))


page = '<html><body><p>Hello</p><a href="%s">Unsubscribe</a></body></html>' % link
out("lxml tostring", lxml_html.tostring(lxml_html.fromstring(page), encoding="unicode"))
out("lxml XHTML", etree.tostring(lxml_html.fromstring(page), method="xml", encoding="unicode"))
tree = lxml_html.fromstring(page)
tree.make_links_absolute("https://shop.example/")
if "://" in link:  # a name in braces becomes a path of the base then, which nobody can tell
    out("lxml make_links_absolute", lxml_html.tostring(tree, encoding="unicode"))
engine = Engine()
for name, source in {
    "Django": '<a href="{{ link }}">Unsubscribe</a>',
    "Django safe": '<a href="{{ link|safe }}">Unsubscribe</a>',
    "Django force_escape": '<a href="{{ link|force_escape }}">Unsubscribe</a>',
    "Django iriencode": '<a href="{{ link|iriencode }}">Unsubscribe</a>',
    "Django urlize": "{{ link|urlize }}",
    "Django verbatim": '{% verbatim %}<a href="' + link + '">Unsubscribe</a>{% endverbatim %}',
}.items():
    out(name, engine.from_string(source).render(Context({"link": link})))
