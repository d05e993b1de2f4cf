"""Parsing XML from outside: no document type, no entities, no network, no huge trees."""

from __future__ import annotations

from lxml import etree


class UnsafeXmlError(ValueError):
    """XML that cannot be parsed, or that we refuse to; the text is a sentence about why."""


def parse_xml(body: bytes, charset: str = "") -> etree._Element:
    """The root element.

    `charset` is what came with the body, if anything did. Either it or what the XML says of itself may be
    wrong: .NET easily writes `encoding="utf-16"` into XML that is then sent as UTF-8. So each is tried, and
    UTF-8 at last.

    Raises:
        UnsafeXmlError: it is not well-formed, its encoding is wrong, or it declares a document type.
    """
    problems = []
    for encoding in dict.fromkeys((charset.lower() or None, None, "utf-8")):
        try:
            root = _root(body, encoding)
        except (etree.XMLSyntaxError, ValueError, LookupError) as error:
            problems.append(str(error))
            continue
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnsafeXmlError("The XML declares a document type, which is refused")
        return root
    raise UnsafeXmlError(f"The body is not well-formed XML: {problems[0]}")


def _root(body: bytes, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(body, parser)


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname
