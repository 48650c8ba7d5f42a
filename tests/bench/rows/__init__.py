"""The rows of the table: each module measures what belongs together and returns its rows."""
