"""How long it takes, beside other libraries."""
