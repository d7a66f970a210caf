"""History: the canonical tables as columns in files, and figures that are defined once for any engine.

The *lake* is a folder of Parquet files with one manifest. An export brings it up to one snapshot of the database: rows that
were written or changed since the last one, by transaction id, so that nothing that was committed late is missed. The
manifest is replaced last; whoever was killed before that has changed nothing. Names, numbers and texts of persons never
come in: a person is a random *pseudonym*, and nobody once they are erased. A *definition* is an Ibis expression over these
tables; a worker evaluates it with DuckDB and keeps the *figure*, which pages show.
"""
