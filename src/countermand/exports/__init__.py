"""What is stored, as files: so that every report can be made again from the same rows.

`tables` says what each export holds and reads it in slices; `lines` writes order lines as one file per side,
in the headings that `countermand compare` knows; `write` knows the formats.
"""
