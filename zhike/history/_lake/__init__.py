"""The lake's machinery: the folder, what is read from the database, DuckDB, and the definitions."""
