"""Parsing XML from outside: no document type, no entities, no network, no huge trees."""

from __future__ import annotations

from lxml import etree


class UnsafeXmlError(ValueError):
    """XML that cannot be parsed, or that we refuse to; the text is a sentence about why."""


def parse_xml(body: bytes) -> etree._Element:
    """The root element.

    Raises:
        UnsafeXmlError: it is not well-formed, its encoding is wrong, or it declares a document type.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnsafeXmlError(f"The body is not well-formed XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXmlError("The XML declares a document type, which is refused")
    return root


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname
