"""A line's output file: a one-page PDF that says what it stands for."""

from countermand.simulators.infigo.orders import Line


def output_pdf(line: Line) -> bytes:
    """Return a small, valid PDF for one line."""
    text = f"{line.job_id}: {line.quantity} x {line.sku}".encode("ascii", "replace")
    text = text.replace(b"\\", b"").replace(b"(", b"").replace(b")", b"")
    drawing = b"BT /F1 18 Tf 40 120 Td (" + text + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 480 240] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    )
    return _assembled(objects)


def _assembled(objects: tuple[bytes, ...]) -> bytes:
    """Number the objects and add the table of where each begins."""
    pdf = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(pdf)
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for start in starts:
        pdf += b"%010d 00000 n \n" % start
    pdf += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(pdf)
