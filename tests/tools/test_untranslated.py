"""Texts that escaped translation are found, and little else."""

import pytest

from tools.untranslated import find_untranslated


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello there</p>",
        "<p>{{ name }} 您好</p>",
        '<input placeholder="Search members">',
        '<a href="/" title="{{ name }} of {{ shop }}"></a>',
        "{% if a %}<b>yes</b>{% endif %}",
    ],
)
def test_found(source: str):
    assert len(find_untranslated(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '<p>{% translate "Hello" %} · {{ name }} × 3 &nbsp;</p>',
        "<p>{% blocktranslate %}Hello <b>you</b>{% endblocktranslate %}</p>",
        "<script>let words = 'here'</script><style>p { margin: 0 }</style><code>zhike demo</code>",
        "{# a comment #}{% comment %}<p>more</p>{% endcomment %}<!-- and more -->",
        '<option class="big" {% if a %}selected{% endif %} value="one">{{ x }}</option>',
        "{% block body_class %}wide shell{% endblock %}",
        "<p>CSV · API</p>",
        "<p>Mall of Light</p> {# untranslated: a name #}",
        "{# untranslated-file: only developers see it #}\n<p>Hello</p>",
        '<input aria-label="{% translate "Search" %}" title="{{ title }}">',
    ],
)
def test_left_alone(source: str):
    assert find_untranslated(source) == []


def test_lines_are_counted_through_tags():
    source = "{% comment %}\n\n{% endcomment %}\n<p>{{ x }}</p>\n<p>\n  late words\n</p>"
    assert [(finding.line, finding.text) for finding in find_untranslated(source)] == [(6, "late words")]
