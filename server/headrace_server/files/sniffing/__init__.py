"""What a file is, judged by a sample of its bytes: packing, encoding, dialect, header, types.

`tables.sniff_table` is the whole of it for delimited text; each module is one question, asked of
pure functions, and every answer carries a confidence and can be given instead of found.
"""
