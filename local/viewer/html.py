"""HTML as elements: text can only become text, so nothing has to be escaped by hand."""

from xml.etree.ElementTree import Element, tostring

Child = Element | str | None
Attribute = str | int | bool | None


def element(tag: str, *children: Child, **attributes: Attribute) -> Element:
    """Return an element.

    Args:
        tag: Its name.
        children: Elements and texts; None is passed over.
        attributes: `aria_label` is written as `aria-label`, `class_` as `class`; True is an attribute without
            a value to speak of, None and False are left out.
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        made.set(written, "" if value is True else str(value))
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child and len(made):
            made[-1].tail = (made[-1].tail or "") + child
        elif child:
            made.text = (made.text or "") + child
    return made


def html(*elements: Element) -> str:
    """Return elements as HTML."""
    return "".join(tostring(one, encoding="unicode", method="html") for one in elements)
