"""Non-negative matrix factorization beside other libraries."""
