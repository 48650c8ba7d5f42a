"""What the arguments of programs are: each kind that the table names is one function."""
