"""The control store: tables, engine, migrations, wake-ups, and a file of statements per noun."""
