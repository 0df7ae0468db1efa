"""Rows of queries into files: workbooks, delimited text, Parquet."""
