"""A test's results in JUnit's XML, as CI systems show them: well-formed whatever the names and texts are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One of the tests: what it is called, how it ended, and why."""

    name: str
    ended: Literal["passed", "failure", "error", "skipped"]
    message: str = ""
    details: str = ""


def written(suite: str, cases: Sequence[Case], seconds: float) -> bytes:
    """The file. What XML can't hold becomes a replacement character.

    Examples
    --------
    >>> b"<failure message=\\"1 &lt; 2 \\xef\\xbf\\xbd\\"" in written("s", [Case("c", "failure", "1 < 2 \\0")], 0.5)
    True
    """
    counts = {f"{kind}s" if kind != "skipped" else kind: sum(each.ended == kind for each in cases)
              for kind in ("failure", "error", "skipped")}  # fmt: skip
    attributes = {"name": _clean(suite), "tests": str(len(cases)), "time": f"{seconds:.3f}"}
    root = Element("testsuites")
    element = SubElement(root, "testsuite", {**attributes, **{name: str(count) for name, count in counts.items()}})
    for each in cases:
        case = SubElement(element, "testcase", {"classname": _clean(suite), "name": _clean(each.name)})
        if each.ended != "passed":
            SubElement(case, each.ended, {"message": _clean(each.message)}).text = _clean(each.details)
        elif each.message:
            SubElement(case, "system-out").text = _clean(each.message)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
