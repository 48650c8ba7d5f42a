"""A manifest tried on recorded or given calls."""
