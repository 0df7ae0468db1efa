"""The first rows of a file of any known format, with what is known of its columns.

`previews.preview` picks the reader by the content; each reader is a module.
"""
