"""Storage: the schema, its migrations, the queries, and the hash-chained journal.

SQLite by default, PostgreSQL by the same SQLAlchemy Core statements. An order's case file is one row,
versioned; what people search and list by stands in columns and tables of its own beside it.
"""
