"""The control store: tables, engine, migrations, wake-ups and one file of named statements per noun."""
